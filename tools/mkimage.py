#!/usr/bin/env python3
"""Makes a container image out of files, without a container engine: an OCI image layout, the same bytes every time.

    tools/mkimage.py --out DIR --tag app:v1 --file build/app:/app:755 --entrypoint '["/app"]' --expose 80/tcp
    skopeo copy --dest-tls-verify=false oci:DIR:app:v1 docker://localhost:4566/app:v1

What --file, --dir, --link, --hard-link, --whiteout, --opaque, --device and --tar name goes into the current layer, in
the order given; --layer begins the next one. A repeated --tag with another --arch and --index makes an index.
"""
import argparse
import gzip
import hashlib
import io
import json
import os
import platform
import stat
import subprocess
import sys
import tarfile

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"
EPOCH = "1970-01-01T00:00:00Z"


class Contents(argparse.Action):
    """Keeps what goes into layers in the order of the command line."""

    def __call__(self, parser, namespace, value, option=None):
        namespace.contents.append((option.lstrip("-"), value))


def host_architecture():
    machine = platform.machine()
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(machine, machine)


def parts_of(text, least, most, option):
    parts = text.split(":")
    if not least <= len(parts) <= most or not all(parts):
        sys.exit(f"mkimage: --{option} {text}: expected {least} to {most} parts with ':' between them")
    return parts


class Layer:
    """A tar archive in memory. Owner, times and order depend on the arguments only."""

    def __init__(self, modes):
        self.modes = modes  # of directories, by path, as earlier layers made them
        self.made = set()
        self.buffer = io.BytesIO()
        self.tar = tarfile.open(fileobj=self.buffer, mode="w", format=tarfile.PAX_FORMAT)

    def entry(self, path, kind, mode, target="", data=b"", device=(0, 0)):
        info = tarfile.TarInfo(path.strip("/"))
        info.type, info.mode, info.linkname, info.size = kind, mode, target, len(data)
        info.devmajor, info.devminor = device
        self.tar.addfile(info, io.BytesIO(data) if data else None)

    def parents(self, path):
        names = path.strip("/").split("/")[:-1]
        for count in range(1, len(names) + 1):
            above = "/".join(names[:count])
            if above not in self.made:
                self.directory(above, self.modes.get(above, 0o755))

    def directory(self, path, mode):
        self.parents(path)
        self.made.add(path.strip("/"))
        self.modes[path.strip("/")] = mode
        self.entry(path, tarfile.DIRTYPE, mode)

    def add(self, option, value):
        if option == "file":
            source, path, *mode = parts_of(value, 2, 3, option)
            self.copy(source, path, int(mode[0], 8) if mode else None)
        elif option == "dir":
            path, *mode = parts_of(value, 1, 2, option)
            self.directory(path, int(mode[0], 8) if mode else 0o755)
        elif option in ("link", "hard-link"):
            path, target = parts_of(value, 2, 2, option)
            self.parents(path)
            self.entry(path, tarfile.SYMTYPE if option == "link" else tarfile.LNKTYPE, 0o777, target.lstrip("/") if option == "hard-link" else target)
        elif option == "whiteout":
            self.parents(value)
            above, _, name = value.strip("/").rpartition("/")
            self.entry(f"{above}/.wh.{name}", tarfile.REGTYPE, 0o644)
        elif option == "opaque":
            self.entry(value.strip("/") + "/.wh..wh..opq", tarfile.REGTYPE, 0o644)
        elif option == "device":
            path, major, minor = parts_of(value, 3, 3, option)
            self.parents(path)
            self.entry(path, tarfile.CHRTYPE, 0o666, device=(int(major), int(minor)))

    def copy(self, source, path, mode):
        info = os.lstat(source)
        if stat.S_ISLNK(info.st_mode) and mode is None:
            self.parents(path)
            self.entry(path, tarfile.SYMTYPE, 0o777, os.readlink(source))
        elif os.path.isdir(source):
            self.directory(path, 0o755)
            for name in sorted(os.listdir(source)):
                self.copy(os.path.join(source, name), path.rstrip("/") + "/" + name, None)
        else:
            self.parents(path)
            with open(source, "rb") as file:
                self.entry(path, tarfile.REGTYPE, mode if mode is not None else info.st_mode & 0o755, data=file.read())

    def finish(self):
        self.tar.close()
        return self.buffer.getvalue()


def compressed(tar, form):
    if form == "gzip":
        return gzip.compress(tar, 6, mtime=0), LAYER + "+gzip"
    if form == "zstd":
        return subprocess.run(["zstd", "-q", "-3", "-c"], input=tar, stdout=subprocess.PIPE, check=True).stdout, LAYER + "+zstd"
    return tar, LAYER


class Layout:
    def __init__(self, directory):
        self.directory = directory
        os.makedirs(os.path.join(directory, "blobs", "sha256"), exist_ok=True)
        with open(os.path.join(directory, "oci-layout"), "w") as file:
            file.write('{"imageLayoutVersion":"1.0.0"}')

    def keep(self, data, media_type):
        digest = hashlib.sha256(data).hexdigest()
        with open(os.path.join(self.directory, "blobs", "sha256", digest), "wb") as file:
            file.write(data)
        return {"mediaType": media_type, "digest": "sha256:" + digest, "size": len(data)}

    def keep_json(self, value, media_type):
        return self.keep(json.dumps(value, separators=(",", ":")).encode(), media_type)

    def read(self, digest):
        with open(os.path.join(self.directory, "blobs", "sha256", digest.removeprefix("sha256:")), "rb") as file:
            return json.load(file)

    def tag(self, descriptor, tag, wanted_platform, into_index):
        path = os.path.join(self.directory, "index.json")
        index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": []}
        if os.path.exists(path):
            with open(path) as file:
                index = json.load(file)
        name = "org.opencontainers.image.ref.name"
        before = [m for m in index["manifests"] if m.get("annotations", {}).get(name) == tag]
        index["manifests"] = [m for m in index["manifests"] if m not in before]
        if into_index:
            members = self.read(before[0]["digest"])["manifests"] if before and before[0]["mediaType"] == INDEX else []
            members = [m for m in members if m.get("platform") != wanted_platform] + [{**descriptor, "platform": wanted_platform}]
            descriptor = self.keep_json({"schemaVersion": 2, "mediaType": INDEX, "manifests": members}, INDEX)
        index["manifests"].append({**descriptor, "annotations": {name: tag}})
        with open(path, "w") as file:
            json.dump(index, file, indent=1)
        return descriptor


def list_option(text, option):
    if text is None:
        return None
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
        sys.exit(f"mkimage: --{option} must be a JSON list of strings")
    return value


def build(arguments):
    layers, modes = [Layer({})], None
    modes = layers[0].modes
    finished = []
    for option, value in arguments.contents:
        if option == "layer":
            layers.append(Layer(modes))
        elif option == "tar":
            with open(value, "rb") as file:
                layers[-1].finished = file.read()
        else:
            layers[-1].add(option, value)
    for layer in layers:
        finished.append(getattr(layer, "finished", None) or layer.finish())

    layout = Layout(arguments.out)
    descriptors, diff_ids = [], []
    for tar in finished:
        data, media_type = compressed(tar, arguments.form)
        descriptors.append(layout.keep(data, media_type))
        diff_ids.append("sha256:" + hashlib.sha256(tar).hexdigest())

    run = {
        "User": arguments.user,
        "ExposedPorts": {port if "/" in port else port + "/tcp": {} for port in arguments.expose},
        "Env": arguments.env,
        "Entrypoint": list_option(arguments.entrypoint, "entrypoint"),
        "Cmd": list_option(arguments.cmd, "cmd"),
        "Volumes": {volume: {} for volume in arguments.volume},
        "WorkingDir": arguments.workdir,
        "Labels": dict(label.split("=", 1) for label in arguments.label),
        "StopSignal": arguments.stop_signal,
        "Healthcheck": json.loads(arguments.healthcheck) if arguments.healthcheck else None,
    }
    config = {
        "created": EPOCH,
        "architecture": arguments.arch,
        "os": "linux",
        "config": {key: value for key, value in run.items() if value},
        "rootfs": {"type": "layers", "diff_ids": diff_ids},
        "history": [{"created": EPOCH, "created_by": "mkimage"} for _ in diff_ids],
    }
    manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "config": layout.keep_json(config, CONFIG), "layers": descriptors}
    descriptor = layout.keep_json(manifest, MANIFEST)
    descriptor = layout.tag(descriptor, arguments.tag, {"architecture": arguments.arch, "os": "linux"}, arguments.index)
    if arguments.archive:
        with tarfile.open(arguments.archive, "w", format=tarfile.PAX_FORMAT) as archive:
            for folder, folders, names in os.walk(arguments.out):
                folders.sort()
                for name in sorted(names):
                    path = os.path.join(folder, name)
                    info = tarfile.TarInfo(os.path.relpath(path, arguments.out))
                    info.size = os.path.getsize(path)
                    info.mode = 0o644
                    with open(path, "rb") as file:
                        archive.addfile(info, file)
    return descriptor["digest"]


def parser():
    options = argparse.ArgumentParser(prog="mkimage", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.set_defaults(contents=[])
    options.add_argument("--out", required=True, help="directory of the image layout; made, or added to")
    options.add_argument("--tag", default="latest")
    options.add_argument("--arch", default=host_architecture(), help="amd64, arm64; default: this machine's")
    options.add_argument("--index", action="store_true", help="put the image into an index under the tag, one per --arch")
    options.add_argument("--archive", metavar="FILE", help="also write the layout as one tar (skopeo: oci-archive:FILE)")
    layer = options.add_argument_group("contents of layers, in order")
    layer.add_argument("--layer", action=Contents, nargs=0, help="begin the next layer")
    layer.add_argument("--file", action=Contents, metavar="SRC:DST[:MODE]", help="a file, or a directory with all below it")
    layer.add_argument("--dir", action=Contents, metavar="DST[:MODE]")
    layer.add_argument("--link", action=Contents, metavar="DST:TARGET", help="a symbolic link")
    layer.add_argument("--hard-link", action=Contents, metavar="DST:TARGET")
    layer.add_argument("--whiteout", action=Contents, metavar="DST", help="hides what a lower layer has there")
    layer.add_argument("--opaque", action=Contents, metavar="DST", help="hides what lower layers have in that directory")
    layer.add_argument("--device", action=Contents, metavar="DST:MAJOR:MINOR", help="a character device")
    layer.add_argument("--tar", action=Contents, metavar="FILE", help="the whole layer is this tar archive")
    form = options.add_mutually_exclusive_group()
    form.add_argument("--gzip", dest="form", action="store_const", const="gzip", default="gzip", help="(default)")
    form.add_argument("--zstd", dest="form", action="store_const", const="zstd")
    form.add_argument("--plain", dest="form", action="store_const", const="plain")
    run = options.add_argument_group("how to run it")
    run.add_argument("--entrypoint", metavar="JSON")
    run.add_argument("--cmd", metavar="JSON")
    run.add_argument("--env", action="append", default=[], metavar="K=V")
    run.add_argument("--user", default="")
    run.add_argument("--workdir", default="")
    run.add_argument("--stop-signal", default="")
    run.add_argument("--expose", action="append", default=[], metavar="PORT[/PROTOCOL]")
    run.add_argument("--volume", action="append", default=[], metavar="PATH")
    run.add_argument("--label", action="append", default=[], metavar="K=V")
    run.add_argument("--healthcheck", metavar="JSON", help='{"Test":["CMD","/app","--check"],"Interval":5000000000}')
    return options


def main(argv=None):
    """Prints, and returns, the digest that the tag stands for."""
    digest = build(parser().parse_args(argv))
    print(digest)
    return digest


if __name__ == "__main__":
    main()
