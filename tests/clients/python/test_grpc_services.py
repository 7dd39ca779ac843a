"""Health and reflection, asked by gRPC's own Python packages; and the refusals that gRPC's specification words."""
import json
import os
import signal
import subprocess
import time

import grpc
import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

FIRESTORE = "google.firestore.v1.Firestore"
SERVICES = {FIRESTORE, "grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection"}
SERVING, NOT_SERVING = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING
Ask = reflection_pb2.ServerReflectionRequest


def dial(address):
    return grpc.insecure_channel(address, options=[("grpc.enable_http_proxy", 0)])


@pytest.fixture
def channel():
    with dial(os.environ["FIRESTORE_EMULATOR_HOST"]) as c:
        yield c


@pytest.fixture
def health(channel):
    return health_pb2_grpc.HealthStub(channel)


def ask(channel, *requests):
    return list(reflection_pb2_grpc.ServerReflectionStub(channel).ServerReflectionInfo(iter(requests), timeout=60))


# ---- health ----

@pytest.mark.parametrize("service", ["", FIRESTORE, "google.firestore.v1beta1.Firestore"])
def test_what_is_here_is_serving(health, service):
    assert health.Check(health_pb2.HealthCheckRequest(service=service)).status == SERVING


def test_another_service_is_not_found(health):
    with pytest.raises(grpc.RpcError) as e:
        health.Check(health_pb2.HealthCheckRequest(service="some.Other"))
    assert (e.value.code(), e.value.details()) == (grpc.StatusCode.NOT_FOUND, "unknown service")


def test_list_names_them_all(health):
    statuses = health.List(health_pb2.HealthListRequest()).statuses
    assert {k: v.status for k, v in statuses.items()} == dict.fromkeys(["", FIRESTORE, "google.firestore.v1beta1.Firestore"], SERVING)


def test_watch_of_another_service_says_so_and_goes_on(health):
    watch = health.Watch(health_pb2.HealthCheckRequest(service="some.Other"))
    assert next(watch).status == health_pb2.HealthCheckResponse.SERVICE_UNKNOWN
    assert watch.is_active()
    watch.cancel()


def test_watch_says_when_the_server_stops(tmp_path):
    port = tmp_path / "port"
    server = subprocess.Popen([os.environ["EMULATOR_BINARY"], "serve", "--port", "0", "--port-file", str(port), "--data", ":memory:"],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while not port.exists():
            assert server.poll() is None
            time.sleep(0.01)
        with dial("127.0.0.1:" + port.read_text().strip()) as c:
            watch = health_pb2_grpc.HealthStub(c).Watch(health_pb2.HealthCheckRequest())
            assert next(watch).status == SERVING
            server.send_signal(signal.SIGTERM)
            assert next(watch).status == NOT_SERVING
            with pytest.raises(grpc.RpcError) as e:
                next(watch)
            assert e.value.code() == grpc.StatusCode.UNAVAILABLE
        assert server.wait(60) == 0
    finally:
        server.kill()
        server.wait()


# ---- reflection ----

def test_a_client_that_knows_nothing_calls_by_reflection(channel):
    """As grpcurl does: names from the server, types from the server, JSON in and out."""
    database = ProtoReflectionDescriptorDatabase(channel)
    assert set(database.get_services()) == SERVICES
    pool = descriptor_pool.DescriptorPool(database)
    method = pool.FindServiceByName(FIRESTORE).FindMethodByName("CreateDocument")
    request = message_factory.GetMessageClass(method.input_type)(parent="projects/reflected/databases/(default)/documents", collection_id="c",
                                                                 document_id="d")
    request.document.fields["n"].integer_value = 7
    answer = channel.unary_unary("/%s/%s" % (FIRESTORE, method.name), request_serializer=lambda m: m.SerializeToString(),
                                 response_deserializer=message_factory.GetMessageClass(method.output_type).FromString)(
                                     request, metadata=[("authorization", "Bearer owner")])
    assert answer.name.endswith("/c/d") and answer.fields["n"].integer_value == 7


def test_every_symbol_is_in_the_file_that_comes_first(channel):
    for symbol in (FIRESTORE, FIRESTORE + ".Listen", "google.firestore.v1.Write", "google.firestore.v1.StructuredQuery.Filter",
                   "google.firestore.v1.StructuredQuery.Direction", "google.protobuf.Timestamp", "grpc.reflection.v1.ServerReflection"):
        files = [descriptor_pb2.FileDescriptorProto.FromString(f)
                 for f in ask(channel, Ask(file_containing_symbol=symbol))[0].file_descriptor_response.file_descriptor_proto]
        assert symbol.startswith(files[0].package + ".")
        assert {d for f in files for d in f.dependency} == {f.name for f in files[1:]}


def test_files_come_by_name(channel):
    answer = ask(channel, Ask(file_by_filename="google/firestore/v1/write.proto", host="h"))[0]
    assert descriptor_pb2.FileDescriptorProto.FromString(answer.file_descriptor_response.file_descriptor_proto[0]).package == "google.firestore.v1"
    assert (answer.valid_host, answer.original_request.file_by_filename) == ("h", "google/firestore/v1/write.proto")


def test_what_is_not_there_is_not_found_and_the_stream_goes_on(channel):
    extension = reflection_pb2.ExtensionRequest(containing_type="google.firestore.v1.Write", extension_number=1)
    answers = ask(channel, Ask(file_by_filename="none.proto"), Ask(file_containing_symbol="a.B"), Ask(file_containing_symbol=""),
                  Ask(file_containing_extension=extension), Ask(all_extension_numbers_of_type="a.B"), Ask(list_services=""))
    assert [a.error_response.error_code for a in answers] == [5, 5, 5, 5, 5, 0]
    assert answers[1].error_response.error_message == "Symbol not found: a.B"
    assert {s.name for s in answers[5].list_services_response.service} == SERVICES


def test_no_type_has_extensions(channel):
    answer = ask(channel, Ask(all_extension_numbers_of_type="google.firestore.v1.Write"))[0].all_extension_numbers_response
    assert answer.base_type_name == "google.firestore.v1.Write" and not answer.extension_number


def test_v1_is_v1alpha_under_another_name(channel):
    call = channel.stream_stream("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", request_serializer=Ask.SerializeToString,
                                 response_deserializer=reflection_pb2.ServerReflectionResponse.FromString)
    assert {s.name for a in call(iter([Ask(list_services="")])) for s in a.list_services_response.service} == SERVICES


def test_many_questions_at_once_are_answered_as_they_are_read(channel):
    """2,000 times the largest file: more than waits for a client that does not read."""
    answers = reflection_pb2_grpc.ServerReflectionStub(channel).ServerReflectionInfo(
        Ask(file_containing_symbol=FIRESTORE) for _ in range(2000))
    first = next(answers).file_descriptor_response
    assert all(a.file_descriptor_response == first for a in answers)


def test_a_question_that_asks_nothing_ends_the_stream(channel):
    with pytest.raises(grpc.RpcError) as e:
        ask(channel, Ask())
    assert e.value.code() == grpc.StatusCode.INVALID_ARGUMENT


# ---- what is refused ----

def test_compressed_calls_are_unimplemented_and_told_what_is_read(channel):
    call = channel.unary_unary("/%s/GetDocument" % FIRESTORE)
    with pytest.raises(grpc.RpcError) as e:
        call(b"\n\1x" * 1000, compression=grpc.Compression.Gzip)
    assert e.value.code() == grpc.StatusCode.UNIMPLEMENTED and "grpc-encoding identity" in e.value.details()
    headers = dict(e.value.initial_metadata() or ()) | dict(e.value.trailing_metadata() or ())
    assert headers.get("grpc-accept-encoding", "identity") == "identity"


def test_probes_are_not_in_the_request_log(health):
    health.Check(health_pb2.HealthCheckRequest())
    with open(os.environ["REQUEST_LOG"], encoding="utf-8") as log:
        assert all("ealth" not in json.loads(line).get("httpRequest", {}).get("requestUrl", "") for line in log if line.strip())
