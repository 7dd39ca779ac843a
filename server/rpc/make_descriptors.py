#!/usr/bin/env python3
"""Makes descriptors.c: what server reflection tells about the services here, from the public interface definitions.

    make_descriptors.py PROTOS > server/rpc/descriptors.c

PROTOS is a folder with google/firestore/v1/*.proto and what they import: the folder build/protos of the npm package
@google-cloud/firestore has them. Needs grpcio-tools, grpcio-health-checking and grpcio-reflection, whose own definitions
are used too; grpc.reflection.v1 is v1alpha under another name, as it is upstream.

Options are left out (how methods map to HTTP, which fields are required ...), and with them the files that only they
need: no client asks reflection for those, and they would be two thirds of it. v1beta1, under which v1 is answered too, is not
described.
"""
import pathlib
import sys
import tempfile

from google.protobuf import descriptor_pb2
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2
from grpc_tools import protoc
import grpc_tools

ROOTS = ["google/firestore/v1/firestore.proto"]
WIDTH = 108


def compile_roots(protos):
    with tempfile.NamedTemporaryFile() as out:
        well_known = pathlib.Path(grpc_tools.__file__).parent / "_proto"
        if protoc.main(["protoc", f"-I{protos}", f"-I{well_known}", "--include_imports", f"--descriptor_set_out={out.name}", *ROOTS]):
            sys.exit("make_descriptors: protoc failed")
        return list(descriptor_pb2.FileDescriptorSet.FromString(pathlib.Path(out.name).read_bytes()).file)


def of_module(module, name, package=None):
    """The file of a generated module, under the name it has upstream; under another package where one is given."""
    data = module.DESCRIPTOR.serialized_pb
    f = descriptor_pb2.FileDescriptorProto.FromString(data)
    if package:
        old = f.package
        f.package = package
        for message in walk_messages(f.message_type):
            for field in message.field:
                field.type_name = field.type_name.replace(f".{old}.", f".{package}.")
        for service in f.service:
            for method in service.method:
                method.input_type = method.input_type.replace(f".{old}.", f".{package}.")
                method.output_type = method.output_type.replace(f".{old}.", f".{package}.")
    f.name = name
    return f


def walk_messages(messages):
    for m in messages:
        yield m
        yield from walk_messages(m.nested_type)


def strip_enum(e):
    e.ClearField("options")
    for v in e.value:
        v.ClearField("options")


def strip(f):
    f.ClearField("source_code_info")
    f.ClearField("options")
    for m in walk_messages(f.message_type):
        is_map = m.options.map_entry
        m.ClearField("options")
        if is_map:
            m.options.map_entry = True
        for field in m.field:
            field.ClearField("options")
            field.ClearField("json_name")  # always what the name says
        for one in m.oneof_decl:
            one.ClearField("options")
        for e in m.enum_type:
            strip_enum(e)
    for e in f.enum_type:
        strip_enum(e)
    for s in f.service:
        s.ClearField("options")
        for method in s.method:
            method.ClearField("options")


def symbols_of(f):
    """(name, kind) of every service, method, message and enum."""
    def of(messages, prefix):
        for m in messages:
            yield prefix + m.name, "MESSAGE"
            for e in m.enum_type:
                yield f"{prefix}{m.name}.{e.name}", "ENUM"
            yield from of(m.nested_type, f"{prefix}{m.name}.")
    package = f.package + "."
    yield from of(f.message_type, package)
    for e in f.enum_type:
        yield package + e.name, "ENUM"
    for s in f.service:
        yield package + s.name, "SERVICE"
        for method in s.method:
            yield f"{package}{s.name}.{method.name}", "METHOD"


def used_types(f):
    for m in walk_messages(f.message_type):
        for field in m.field:
            if field.type_name:
                yield field.type_name[1:]
    for s in f.service:
        for method in s.method:
            yield method.input_type[1:]
            yield method.output_type[1:]


def needed(files, roots):
    """The files that the roots need, in the order of `files`, their imports cut to what they use."""
    home = {name: f.name for f in files for name, _ in symbols_of(f)}
    for f in files:
        used = {home[t] for t in used_types(f)} - {f.name}
        kept = [d for d in f.dependency if d in used]
        for field in ("dependency", "public_dependency", "weak_dependency"):
            f.ClearField(field)
        f.dependency.extend(kept)
    by_name, wanted = {f.name: f for f in files}, set()

    def want(name):
        if name not in wanted:
            wanted.add(name)
            for d in by_name[name].dependency:
                want(d)
    for r in roots:
        want(r)
    return [f for f in files if f.name in wanted]


def closure(files):
    """For each file the set of those it needs, itself included, as bits."""
    index, out = {f.name: i for i, f in enumerate(files)}, []
    for f in files:  # imports come first
        bits = 1 << len(out)
        for d in f.dependency:
            bits |= out[index[d]]
        out.append(bits)
    return out


def c_bytes(data):
    line = "   "
    for b in data:
        piece = f" {b},"
        if len(line) + len(piece) > WIDTH:
            yield line
            line = "   "
        line += piece
    yield line


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    files = compile_roots(sys.argv[1])
    files += [of_module(health_pb2, "grpc/health/v1/health.proto"),
              of_module(reflection_pb2, "grpc/reflection/v1alpha/reflection.proto"),
              of_module(reflection_pb2, "grpc/reflection/v1/reflection.proto", "grpc.reflection.v1")]
    for f in files:
        strip(f)
    files = needed(files, ROOTS + [f.name for f in files[-3:]])
    assert len(files) <= 32
    out = ["/* descriptors.c - made by make_descriptors.py from the public interface definitions of Firestore (googleapis), of",
           " * protobuf and of gRPC: Apache-2.0, BSD-3-Clause and Apache-2.0. Not to be edited. See descriptors.h. */",
           '#include "server/rpc/descriptors.h"', ""]
    for i, f in enumerate(files):
        out += [f"static const unsigned char file_{i}[] = {{ /* {f.name} */", *c_bytes(f.SerializeToString(deterministic=True)), "};"]
    out += ["", "const struct descriptor_file descriptor_files[] = {"]
    for i, (f, bits) in enumerate(zip(files, closure(files))):
        out.append(f'    {{ STR_INIT("{f.name}"), file_{i}, sizeof file_{i}, 0x{bits:x} }},')
    out += ["};", "const size_t descriptor_file_count = sizeof descriptor_files / sizeof descriptor_files[0];", "",
            "const struct descriptor_symbol descriptor_symbols[] = {"]
    symbols = sorted((name.encode(), kind, i) for i, f in enumerate(files) for name, kind in symbols_of(f))
    out += [f'    {{ STR_INIT("{name.decode()}"), DESCRIPTOR_{kind}, {i} }},' for name, kind, i in symbols]
    out += ["};", "const size_t descriptor_symbol_count = sizeof descriptor_symbols / sizeof descriptor_symbols[0];"]
    print("\n".join(out))


if __name__ == "__main__":
    main()
