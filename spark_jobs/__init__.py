"""The Spark programs of the platform's job types; shipped to EMR Serverless alone, as one zip beside main.py.

`main.py` is what spark-submit starts; `runner.py` tells the story of an attempt and lists the job types.
Python 3.9 syntax, which EMR runs. S3 is reached through Spark and Hadoop, never by an SDK of its own.
"""
