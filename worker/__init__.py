"""The queue side: takes hints (messages, events, the timer) and moves jobs one step at a time."""
