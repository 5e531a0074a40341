"""Python runs this first in every process that finds it on its path: there the calls of the product are recorded."""

import os
import sys

from aws_recorder import begin

begin(sys.orig_argv, os.environ)
