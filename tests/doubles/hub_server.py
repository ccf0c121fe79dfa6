"""`hub_server`: a Hugging Face Hub on loopback, as the real client library and `datasets` meet it: repositories, trees,
refs, the upload of large files by git-LFS or Xet, commits, tags, files. Its state is a `HubStore`.

Of Xet it takes uploads, by the first version of its protocol, and never takes a chunk for known: what is not sent twice
the client knows itself. A file that came by Xet cannot be read again. The client takes LFS where HF_HUB_DISABLE_XET is
set.
"""

import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import unquote, urlsplit

from tests.doubles.hub_store import LARGE, HubStore, Refused, Repository

NAME = r"(?P<name>[^/]+/[^/]+?)"
Answer = tuple[int, Any]


class HubHandler(BaseHTTPRequestHandler):
    """One request. `ROUTES`: what answers which path."""

    protocol_version = "HTTP/1.1"
    store: HubStore

    def do_GET(self) -> None:
        """Reads."""
        self._route("GET")

    def do_HEAD(self) -> None:
        """Asks for a file's size and commit."""
        self._route("HEAD")

    def do_POST(self) -> None:
        """Changes."""
        self._route("POST")

    def do_PUT(self) -> None:
        """Uploads."""
        self._route("PUT")

    def _route(self, method: str) -> None:
        path = unquote(urlsplit(self.path).path)
        body = self._body()
        self.store.requests.append(f"{method} {path}")
        try:
            if self.store.fails_with is not None:
                raise Refused(self.store.fails_with, "", "the Hub is down")
            for verb, pattern, answer in ROUTES:
                if verb == method and (found := re.fullmatch(pattern, path)):
                    answer(self, body, **found.groupdict())
                    return
            raise Refused(404, "", "no such page")
        except Refused as refused:
            self._say(refused.status, {"error": refused.words}, code=refused.code, words=refused.words)

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    @property
    def token(self) -> str | None:
        """The request's token. One that is not known is refused."""
        given = (self.headers.get("Authorization") or "").removeprefix("Bearer ") or None
        self.store.may(given, "read")
        return given

    def writable(self, name: str) -> Repository:
        """A dataset that the request may change."""
        found = self.store.repository(name, self.token)
        self.store.may(self.token, "write")
        return found

    def create(self, body: bytes) -> None:
        asked = json.loads(body)
        self.store.may(self.token, "write")
        name = f"{asked['organization']}/{asked['name']}"
        self.store.create(name, kind=asked.get("type", "model"), private=asked.get("visibility") == "private")
        self._say(200, {"url": f"{self._root}/datasets/{name}", "name": name})

    def info(self, body: bytes, name: str, rev: str = "main") -> None:
        found = self.store.repository(name, self.token)
        oid = found.at(rev)
        files = [{"rfilename": path} for path in found.commits[oid]]
        told = {
            "id": name,
            "sha": oid,
            "private": found.private,
            "siblings": files,
            "tags": [],
            "downloads": 0,
            "likes": 0,
        }
        self._say(200, told | {"disabled": False, "gated": False})

    def tree(self, body: bytes, name: str, rev: str, under: str | None = None) -> None:
        found = self.store.repository(name, self.token)
        files = found.commits[found.at(rev)]
        inside = "" if under is None else under.strip("/") + "/"
        if inside and not any(path.startswith(inside) for path in files):
            raise Refused(404, "EntryNotFound", f"{under} does not exist")
        within = {path: blob for path, blob in files.items() if path.startswith(inside)}
        if "recursive=true" in self.path.lower():
            self._say(200, [blob.entry(path) for path, blob in within.items()])
            return
        here = {path: blob for path, blob in within.items() if "/" not in path.removeprefix(inside)}
        below = sorted({inside + path.removeprefix(inside).split("/")[0] for path in within.keys() - here.keys()})
        self._say(200, [*(blob.entry(path) for path, blob in here.items()), *map(_folder, below)])

    def paths_info(self, body: bytes, name: str, rev: str) -> None:
        found = self.store.repository(name, self.token)
        files = found.commits[found.at(rev)]
        asked = json.loads(body)["paths"] if body.startswith(b"{") else []
        told = [files[path].entry(path) for path in asked if path in files]
        folders = {path for path in asked if any(each.startswith(path + "/") for each in files)}
        self._say(200, told + [_folder(path) for path in sorted(folders)])

    def refs(self, body: bytes, name: str) -> None:
        found = self.store.repository(name, self.token)
        named = [("branches", "heads", found.branches), ("tags", "tags", found.tags)]
        told = {
            kind: [{"name": at, "ref": f"refs/{folder}/{at}", "targetCommit": oid} for at, oid in each.items()]
            for kind, folder, each in named
        }
        self._say(200, told | {"converts": []})

    def preupload(self, body: bytes, name: str, rev: str) -> None:
        found = self.writable(name)
        files = found.commits[found.at(rev)]
        told = []
        for asked in json.loads(body)["files"]:
            path = asked["path"]
            blob = files.get(path)
            oid = None if blob is None else blob.sha256 or blob.git_id
            mode = "lfs" if path.endswith(LARGE) else "regular"
            told.append({"path": path, "uploadMode": mode, "shouldIgnore": False, "oid": oid})
        self._say(200, {"files": told})

    def batch(self, body: bytes, name: str) -> None:
        self.writable(name)
        objects = []
        for asked in json.loads(body)["objects"]:
            upload = {"href": f"{self._root}/large/{asked['oid']}"}
            new = asked["oid"] not in self.store.large
            objects.append(asked | ({"actions": {"upload": upload}} if new else {}))
        self._say(200, {"transfer": "basic", "objects": objects})

    def large(self, body: bytes, oid: str) -> None:
        if self.store.upload(oid, body):
            self._say(200, {})
            return
        self.close_connection = True
        self.connection.close()

    def xet_token(self, body: bytes, name: str, rev: str) -> None:
        self.writable(name)
        self._say(200, {"accessToken": "of-xet", "exp": int(time.time()) + 3600, "casUrl": f"{self._root}/cas"})

    def xorb(self, body: bytes, oid: str) -> None:
        self.store.xorbs.append(oid)
        self._say(200, {"was_inserted": True})

    def shard(self, body: bytes) -> None:
        self.store.shards.append(body)
        self._say(200, {"result": 1})

    def commit(self, body: bytes, name: str, rev: str) -> None:
        found = self.writable(name)
        oid = self.store.commit(found, rev, [json.loads(line) for line in body.splitlines()])
        self._say(200, {"commitUrl": f"{self._root}/datasets/{name}/commit/{oid}", "commitOid": oid})

    def tag(self, body: bytes, name: str, rev: str) -> None:
        found, asked = self.writable(name), json.loads(body)["tag"]
        if asked in found.tags:
            raise Refused(409, "", "the tag exists")
        found.tags[asked] = found.at(rev)
        self._say(200, {})

    def branch(self, body: bytes, name: str, rev: str) -> None:
        found = self.writable(name)
        if rev in found.branches:
            raise Refused(409, "", "the branch exists")
        found.branches[rev] = found.at("main")
        self._say(200, {})

    def validate(self, body: bytes) -> None:
        said = json.loads(body)["content"]
        if "license: nonsense\n" in said:
            self._say(400, {"errors": [{"message": '"license" must be one of [apache-2.0, mit, …]'}], "warnings": []})
            return
        self._say(200, {"errors": [], "warnings": []})

    def file(self, body: bytes, name: str, rev: str, path: str) -> None:
        found = self.store.repository(name, self.token)
        oid = found.at(rev)
        blob = found.commits[oid].get(path)
        if blob is None:
            raise Refused(404, "EntryNotFound", "Entry not found")
        content = self.store.content(blob)
        self.send_response(200)
        self.send_header("X-Repo-Commit", oid)
        self.send_header("ETag", f'"{blob.sha256 or blob.git_id}"')
        self.send_header("Accept-Ranges", "bytes")
        self._end(content)

    def _say(self, status: int, told: Any, *, code: str = "", words: str = "") -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        if code:
            self.send_header("X-Error-Code", code)
        if words:
            self.send_header("X-Error-Message", words)
        self._end(json.dumps(told).encode())

    def _end(self, content: bytes) -> None:
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    @property
    def _root(self) -> str:
        return f"http://{self.headers['Host']}"

    def log_message(self, format: str, *args: object) -> None:
        """Nothing is printed."""


def _folder(path: str) -> dict[str, str]:
    return {"type": "directory", "path": path, "oid": "0" * 40}


Route = tuple[str, str, Callable[..., None]]
_API = rf"/api/datasets/{NAME}"
_REV = r"(?P<rev>[^/]+)"
ROUTES: list[Route] = [
    ("POST", "/api/repos/create", HubHandler.create),
    ("POST", "/api/validate-yaml", HubHandler.validate),
    ("GET", _API, HubHandler.info),
    ("GET", rf"{_API}/revision/{_REV}", HubHandler.info),
    ("GET", rf"{_API}/tree/{_REV}(?P<under>/.*)?", HubHandler.tree),
    ("POST", rf"{_API}/paths-info/{_REV}", HubHandler.paths_info),
    ("GET", rf"{_API}/refs", HubHandler.refs),
    ("POST", rf"{_API}/preupload/{_REV}", HubHandler.preupload),
    ("POST", rf"/datasets/{NAME}\.git/info/lfs/objects/batch", HubHandler.batch),
    ("PUT", r"/large/(?P<oid>\w+)", HubHandler.large),
    ("GET", rf"{_API}/xet-write-token/{_REV}", HubHandler.xet_token),
    ("POST", r"/cas/v1/xorbs/default/(?P<oid>\w+)", HubHandler.xorb),
    ("POST", "/cas/v1/shards", HubHandler.shard),
    ("POST", rf"{_API}/commit/{_REV}", HubHandler.commit),
    ("POST", rf"{_API}/tag/{_REV}", HubHandler.tag),
    ("POST", rf"{_API}/branch/{_REV}", HubHandler.branch),
    ("GET", rf"/datasets/{NAME}/resolve/{_REV}/(?P<path>.+)", HubHandler.file),
    ("HEAD", rf"/datasets/{NAME}/resolve/{_REV}/(?P<path>.+)", HubHandler.file),
]


@contextmanager
def hub_server(store: HubStore) -> Iterator[str]:
    """Its address, while the block runs."""

    class Handler(HubHandler):
        pass

    Handler.store = store
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
