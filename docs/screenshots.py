"""Pictures of all built pages in headless Chromium, and a list of those that are wider than the window.

    python -m docs.screenshots docs/_build/html shots              # every page
    python -m docs.screenshots docs/_build/html shots guide/ index # pages whose name begins like this

Exits with 1 if a page is too wide.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

WIDTHS = (1280, 400)
# Right edge of what does not scroll within the page, and height of the page.
_EXTENT = """(() => {
  const scrolls = node => node && (/auto|scroll/.test(getComputedStyle(node).overflowX) || scrolls(node.parentElement));
  const edges = [...document.querySelectorAll("article *")]
    .filter(node => !scrolls(node.parentElement)).map(node => node.getBoundingClientRect().right);
  const root = document.documentElement;
  return [Math.max(root.scrollWidth, ...edges.map(Math.floor)), root.scrollHeight];
})()"""
_HIGHEST = 6000  # pixels of a picture
_FLAGS = "--headless --no-sandbox --disable-gpu --hide-scrollbars --remote-debugging-pipe"
# Chromium loads nothing from the network: pages have to look right without.
_OFFLINE = "--host-resolver-rules='MAP * ~NOTFOUND'"


class Browser:
    """The DevTools protocol over a pair of pipes: messages are JSON, each ended by a zero byte."""

    def __init__(self, requests: int, responses: int) -> None:
        self._requests, self._responses = os.fdopen(requests, "wb"), os.fdopen(responses, "rb")
        self._number, self._rest, self._events = 0, b"", []
        self._session: dict[str, str] = {}
        target = self("Target.createTarget", url="about:blank")["targetId"]
        self._session = {"sessionId": self("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]}
        self("Page.enable")

    def __call__(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Call a method, and return its result."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters, **self._session}
        self._requests.write(json.dumps(message).encode() + b"\0")
        self._requests.flush()
        answer = next(answer for answer in self._messages() if answer.get("id") == message["id"])
        if "error" in answer:
            raise RuntimeError(f"Chromium: {method}: {answer['error']['message']}")
        return answer["result"]

    def open(self, url: str, width: int) -> None:
        """Open a page in a window of this width, and wait until it is loaded."""
        self("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
        self("Page.navigate", url=url)
        next(event for event in self._messages() if event.get("method") == "Page.loadEventFired")

    def picture(self, width: int, height: int) -> bytes:
        """Return the PNG of the top of the page."""
        clip = {"x": 0, "y": 0, "width": width, "height": min(height, _HIGHEST), "scale": 1}
        return base64.b64decode(self("Page.captureScreenshot", clip=clip, captureBeyondViewport=True)["data"])

    def value(self, expression: str) -> Any:
        """Return the value of an expression of JavaScript."""
        return self("Runtime.evaluate", expression=expression, returnByValue=True)["result"]["value"]

    def _messages(self) -> Iterator[dict[str, Any]]:
        while True:
            *whole, self._rest = (self._rest + os.read(self._responses.fileno(), 1 << 20)).split(b"\0")
            self._events += map(json.loads, whole)
            while self._events:
                yield self._events.pop(0)


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start a browser with an empty profile, and end it."""
    program = next(
        (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None
    )
    if program is None:
        sys.exit("Chromium is not installed, or not on the PATH.")
    (from_us, requests), (responses, to_us) = os.pipe(), os.pipe()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        # the protocol is spoken on the file descriptors 3 and 4
        command = f"exec {program} {_FLAGS} {_OFFLINE} --user-data-dir={profile} 3<&{from_us} 4>&{to_us}"
        process = subprocess.Popen(["sh", "-c", command], pass_fds=(from_us, to_us), stderr=subprocess.DEVNULL)
        os.close(from_us), os.close(to_us)
        try:
            yield Browser(requests, responses)
        finally:
            process.terminate()
            process.wait()


def take(browser: Browser, pages: dict[str, Path], folder: Path) -> list[str]:
    """Save a picture of each page at each width, and list the pages that are too wide."""
    too_wide = []
    for name, page in pages.items():
        for width in WIDTHS:
            browser.open(page.resolve().as_uri(), width)
            shown, height = browser.value(_EXTENT)
            if shown > width:
                too_wide.append(f"{name}: {shown} pixels at {width}")
            (folder / f"{name.replace('/', '-')}-{width}.png").write_bytes(browser.picture(width, height))
    return too_wide


def main(html: Path, folder: Path, *begin: str) -> None:
    """Take pictures of the pages in `html` whose name begins so, or of all."""
    folder.mkdir(parents=True, exist_ok=True)
    named = {page.relative_to(html).with_suffix("").as_posix(): page for page in sorted(html.rglob("*.html"))}
    chosen = {name: page for name, page in named.items() if name.startswith(begin or "") and "_static" not in name}
    with chromium() as browser:
        too_wide = take(browser, chosen, folder)
    print(f"{len(chosen)} pages in {folder}")
    sys.exit("Too wide:\n" + "\n".join(too_wide) if too_wide else 0)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), *sys.argv[3:])
