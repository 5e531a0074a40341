"""Print the Postman collection of docs/api/openapi.json; see examples/collection.py.

python scripts/postman_collection.py > docs/api/postman_collection.json
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from examples.collection import collection_of  # noqa: E402
from examples.scenario import CHAPTERS  # noqa: E402

NODE = ROOT / ".venv" / "node"
CONVERTER = NODE / "node_modules" / "openapi-to-postmanv2" / "bin" / "openapi2postmanv2.js"
DOCUMENT = ROOT / "docs" / "api" / "openapi.json"


def converted(folder):
    """What openapi-to-postmanv2 makes of the document."""
    path = os.path.join(folder, "converted.json")
    options = "folderStrategy=Tags,parametersResolution=Example"
    command = [str(NODE / "bin" / "node"), str(CONVERTER), "-s", str(DOCUMENT), "-o", path, "-O", options]
    ended = subprocess.run(command, capture_output=True, text=True)
    if not os.path.exists(path):
        sys.exit("make postman: the converter failed: %s" % (ended.stderr or ended.stdout))
    with open(path) as file:
        return json.load(file)


def main():
    """Print it."""
    if not CONVERTER.exists():
        sys.exit("make postman: run `make node` first.")
    with tempfile.TemporaryDirectory() as folder:
        collection = collection_of(converted(folder), json.loads(DOCUMENT.read_text()), CHAPTERS)
    print(json.dumps(collection, indent=1, ensure_ascii=False))


if __name__ == "__main__":
    main()
