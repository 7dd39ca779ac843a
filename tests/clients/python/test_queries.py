"""Queries by the official clients, blocking and asyncio: operators, composite filters, cursors, aggregates, collection
groups, partitions, listings, nearest neighbours, plans."""
import pytest
import pytest_asyncio
from google.cloud.firestore import And, ArrayUnion, FieldFilter, Or, Query
from google.cloud.firestore_v1.base_vector_query import DistanceMeasure
from google.cloud.firestore_v1.field_path import FieldPath
from google.cloud.firestore_v1.query_profile import ExplainOptions
from google.cloud.firestore_v1.vector import Vector

from either import done, each, fill, ids

pytestmark = pytest.mark.asyncio

CITIES = {"ber": {"n": 3, "state": "BE", "tags": ["a", "b"], "area": {"km": 892}},
          "ham": {"n": 2, "state": "HH", "tags": ["b"], "area": {"km": 755}},
          "muc": {"n": 1, "state": "BY", "tags": ["c"], "area": {"km": 311}},
          "nue": {"n": 1, "state": "BY", "tags": [], "area": {"km": 186}, "note": None},
          "odd": {"n": float("nan"), "state": "", "tags": "a"}}


@pytest_asyncio.fixture
async def cities(db):
    await fill(db.collection("cities"), CITIES)
    return db.collection("cities")


def where(field, op, value):
    return FieldFilter(field, op, value)


async def finds(expected, query):
    """Checks the ids that a query gives, in order."""
    assert await ids(query.stream()) == expected.split()


@pytest.mark.parametrize("op, value, found", [
    ("==", 1, "muc nue"), ("!=", 1, "odd ham ber"), ("<", 2, "muc nue"), ("<=", 2, "muc nue ham"), (">", 2, "ber"),
    (">=", 2, "ham ber"), ("in", [1, 3], "ber muc nue"), ("not-in", [1, 3], "odd ham"), ("==", float("nan"), "odd"),
    ("!=", float("nan"), "muc nue ham ber"), ("==", 1.0, "muc nue")])
async def test_each_operator_on_numbers(cities, op, value, found):
    await finds(found, cities.where(filter=where("n", op, value)))


@pytest.mark.parametrize("field, op, value, found", [
    ("tags", "array_contains", "b", "ber ham"), ("tags", "array_contains_any", ["a", "c"], "ber muc"),
    ("tags", "==", [], "nue"), ("note", "==", None, "nue"), ("state", "!=", None, "odd ber muc nue ham"),
    ("area.km", ">", 500, "ham ber"), ("area", "==", {"km": 311}, "muc")])
async def test_each_operator_on_other_types(cities, field, op, value, found):
    await finds(found, cities.where(filter=where(field, op, value)))


async def test_composite_filters_nest(cities):
    both = And([where("state", "==", "BY"), Or([where("area.km", ">", 300), where("note", "==", None)])])
    await finds("nue muc", cities.where(filter=both).order_by("area.km"))
    either = Or([where("tags", "array_contains", "c"), And([where("n", ">=", 2), where("state", "in", ["HH", "SH"])])])
    assert sorted(await ids(cities.where(filter=either).stream())) == ["ham", "muc"]


async def test_inequalities_on_several_fields(cities):
    query = cities.where(filter=where("n", "<", 3)).where(filter=where("area.km", ">", 200))
    await finds("ham muc", query.order_by("area.km", direction=Query.DESCENDING))


async def test_documents_by_name(db, cities):
    name = FieldPath.document_id()
    await finds("muc nue", cities.where(filter=where(name, ">", cities.document("ham"))).limit(2))
    await finds("ber odd", cities.where(filter=where(name, "in", [cities.document("odd"), cities.document("ber")])))
    await finds("ber ham", cities.where(filter=where(name, "<=", cities.document("ham"))).order_by(name))


async def test_cursors_of_every_kind(cities):
    by_size = cities.order_by("area.km")  # nue 186, muc 311, ham 755, ber 892
    await finds("muc ham ber", by_size.start_at({"area.km": 311}))
    await finds("ham ber", by_size.start_after({"area.km": 311}))
    await finds("nue muc ham", by_size.end_at({"area.km": 755}))
    await finds("nue muc", by_size.end_before({"area.km": 755}))
    await finds("muc ham", by_size.start_at([300]).end_before([800]))
    await finds("muc ham", by_size.offset(1).limit(2))
    assert await ids(by_size.limit_to_last(2).get()) == ["ham", "ber"]  # last: it turns the query's orders around


async def test_a_snapshot_as_cursor_breaks_ties_by_name(cities):
    muc = await done(cities.document("muc").get())
    query = cities.order_by("n")
    await finds("nue ham ber", query.start_after(muc))
    await finds("odd muc", query.end_at(muc))


async def test_pages_add_up_to_the_whole(db):
    await fill(db.collection("many"), {"%03d" % i: {"g": i % 7} for i in range(100)})
    query, seen = db.collection("many").order_by("g").limit(9), []
    page = await each(query.stream())
    while page:
        seen += [(s.get("g"), s.id) for s in page]
        page = await each(query.start_after(page[-1]).stream())
    assert seen == sorted((i % 7, "%03d" % i) for i in range(100))


async def test_projection_returns_only_what_was_asked(cities):
    got = [s.to_dict() for s in await each(cities.select(["area.km", "state"]).limit(2).stream())]
    assert got == [{"area": {"km": 892}, "state": "BE"}, {"area": {"km": 755}, "state": "HH"}]
    assert [s.to_dict() for s in await each(cities.select([]).limit(1).stream())] == [{}]
    masked = await done(cities.document("ber").get(["n"]))
    assert masked.to_dict() == {"n": 3}


async def test_get_all_tells_the_missing(cities):
    refs = [cities.document(name) for name in ("muc", "nowhere", "ber")]
    got = {s.id: s for s in await each(cities._client.get_all(refs, field_paths=["n"]))}
    assert {name: s.to_dict() for name, s in got.items()} == {"muc": {"n": 1}, "nowhere": None, "ber": {"n": 3}}
    assert not got["nowhere"].exists and got["nowhere"].read_time >= got["ber"].update_time


async def test_values_sort_by_type_then_value(db):
    in_order = [None, False, True, float("nan"), -1, 0.5, 2, "", "z", b"\0", db.document("c/d"), [1], {"x": 1}]
    mixed = db.collection("mixed")
    await fill(mixed, {"%02d" % i: {"v": v} for i, v in enumerate(in_order)})
    expected = ["%02d" % i for i in range(len(in_order))]
    assert await ids(mixed.order_by("v").stream()) == expected
    assert await ids(mixed.order_by("v", direction=Query.DESCENDING).stream()) == expected[::-1]


async def aggregate(query):
    [results] = await each(query.get())
    assert all(r.read_time for r in results)
    return {r.alias: r.value for r in results}


async def test_count_sum_and_average(cities):
    real = cities.where(filter=where("n", ">=", 1))
    three = real.count(alias="all").sum("n", alias="sum").avg("n", alias="avg")
    assert await aggregate(three) == {"all": 4, "sum": 7, "avg": 1.75}
    assert await aggregate(cities.where(filter=where("state", "==", "BY")).count()) == {"field_1": 2}
    assert await aggregate(cities.sum("area.km", alias="km")) == {"km": 892 + 755 + 311 + 186}


async def test_aggregates_of_nothing_and_of_other_types(cities):
    none = cities.where(filter=where("n", ">", 100))
    # The average of nothing is null; this client reads null as 0.0.
    assert await aggregate(none.count(alias="c").sum("n", alias="s").avg("n", alias="a")) == {"c": 0, "s": 0, "a": 0}
    assert await aggregate(cities.sum("state", alias="s").avg("state", alias="a")) == {"s": 0, "a": 0}
    nan = await aggregate(cities.sum("n", alias="s"))
    assert nan["s"] != nan["s"]


async def test_aggregates_keep_limit_and_cursor(cities):
    assert await aggregate(cities.limit(2).count(alias="c")) == {"c": 2}
    rest = cities.order_by("area.km").start_after({"area.km": 311})
    assert await aggregate(rest.sum("area.km", alias="s")) == {"s": 892 + 755}


async def test_aggregates_at_a_read_time(cities):
    before = (await done(cities.document("ber").get())).read_time
    await done(cities.document("new").set({"n": 1}))
    [[was]] = await each(cities.count(alias="c").get(read_time=before))
    [[now]] = await each(cities.count(alias="c").get())
    assert (was.value, now.value) == (5, 6)


async def test_queries_at_a_read_time(cities):
    before = (await done(cities.document("ber").get())).read_time
    await done(cities.document("ber").delete())
    assert "ber" in await ids(cities.stream(read_time=before))
    assert "ber" not in await ids(cities.stream())


async def landmarks(db):
    for path in ("cities/a/landmarks/1", "cities/b/landmarks/2", "cities/b/landmarks/3", "landmarks/4",
                 "x/y/z/w/landmarks/5", "cities/b/landmarksX/6"):
        await done(db.document(path).set({"n": int(path[-1])}))


async def test_collection_groups_reach_every_depth(db):
    await landmarks(db)
    group = db.collection_group("landmarks")
    await finds("1 2 3 4 5", group)
    await finds("5 4 3", group.where(filter=where("n", ">", 2)).order_by("n", direction=Query.DESCENDING))
    assert await aggregate(group.count(alias="c")) == {"c": 5}
    after = await done(db.document("cities/b/landmarks/2").get())
    await finds("3 4 5", group.order_by("__name__").start_after(after))


async def test_partitions_cover_the_group_once_and_in_order(db):
    everything = {"%04d" % i: {"i": i} for i in range(400)}
    await fill(db.collection("a/1/group"), dict(list(everything.items())[:200]))
    await fill(db.collection("b/2/group"), dict(list(everything.items())[200:]))
    partitions = await each(db.collection_group("group").get_partitions(4))
    assert 2 <= len(partitions) <= 5  # this client asks for as many cuts
    seen = []
    for p in partitions:
        seen += await ids(p.query().stream())
    assert seen == sorted(everything)


async def test_partitions_of_a_small_group_and_of_none(db):
    await landmarks(db)
    seen = []
    for p in await each(db.collection_group("landmarks").get_partitions(1)):
        seen += await ids(p.query().stream())
    assert seen == ["1", "2", "3", "4", "5"]
    [only] = await each(db.collection_group("nothing").get_partitions(9))
    await finds("", only.query())


async def test_collections_of_the_root_and_of_a_document(db):
    await landmarks(db)
    assert [c.id for c in await each(db.collections())] == ["cities", "landmarks", "x"]
    assert [c.id for c in await each(db.document("cities/b").collections())] == ["landmarks", "landmarksX"]
    assert [c.id for c in await each(db.document("landmarks/4").collections())] == []


async def test_list_documents_names_the_missing_parents(db):
    await landmarks(db)
    await done(db.document("cities/c").set({}))
    assert await ids(db.collection("cities").list_documents()) == ["a", "b", "c"]
    await finds("c", db.collection("cities"))
    await fill(db.collection("many"), {"%02d" % i: {} for i in range(25)})
    assert await ids(db.collection("many").list_documents(page_size=10)) == ["%02d" % i for i in range(25)]


POINTS = {"a": [1.0, 0.0], "b": [0.0, 2.0], "c": [3.0, 4.0], "d": [-1.0, 0.0]}


@pytest.mark.parametrize("measure, near", [
    (DistanceMeasure.EUCLIDEAN, [("a", 0.0), ("d", 2.0), ("b", 5 ** 0.5)]),
    (DistanceMeasure.COSINE, [("a", 0.0), ("c", 0.4), ("b", 1.0)]),
    (DistanceMeasure.DOT_PRODUCT, [("c", 3.0), ("a", 1.0), ("b", 0.0)])])
async def test_nearest_neighbours(db, measure, near):
    await fill(db.collection("points"), {name: {"v": Vector(v)} for name, v in POINTS.items()})
    await done(db.document("points/other").set({"v": [1.0, 0.0]}))  # a list is no vector
    query = db.collection("points").find_nearest("v", Vector([1.0, 0.0]), distance_measure=measure, limit=3,
                                                 distance_result_field="far")
    got = [(s.id, s.get("far")) for s in await each(query.stream())]
    assert [g[0] for g in got] == [n[0] for n in near]
    assert [g[1] for g in got] == pytest.approx([n[1] for n in near])


async def test_nearest_neighbours_within_a_threshold_and_a_filter(db):
    await fill(db.collection("points"), {name: {"v": Vector(v), "even": name in "bd"} for name, v in POINTS.items()})

    async def near(query, measure, threshold=None):
        return await ids(query.find_nearest("v", Vector([1.0, 0.0]), distance_measure=measure, limit=9,
                                            distance_threshold=threshold).get())

    points = db.collection("points")
    assert await near(points, DistanceMeasure.EUCLIDEAN, 2.0) == ["a", "d"]
    assert await near(points, DistanceMeasure.DOT_PRODUCT, 1.0) == ["c", "a"]
    assert await near(points.where(filter=where("even", "==", True)), DistanceMeasure.EUCLIDEAN) == ["d", "b"]


async def test_vectors_survive(db):
    await done(db.document("points/p").set({"v": Vector([1.5, -2.0, 1e300]), "tags": ArrayUnion(["x"])}))
    assert (await done(db.document("points/p").get())).to_dict() == {"v": Vector([1.5, -2.0, 1e300]), "tags": ["x"]}


async def explained(query, analyze):
    results = await done(query.get(explain_options=ExplainOptions(analyze=analyze)))
    return results, results.get_explain_metrics()


async def test_a_plan_without_results(cities):
    results, metrics = await explained(cities.where(filter=where("n", "==", 1)), analyze=False)
    assert list(results) == [] and isinstance(metrics.plan_summary.indexes_used, list)
    with pytest.raises(Exception, match="explain_options.analyze=False"):
        metrics.execution_stats


async def test_a_plan_with_results_and_figures(cities):
    results, metrics = await explained(cities.where(filter=where("n", "==", 1)), analyze=True)
    assert [s.id for s in results] == ["muc", "nue"]
    assert metrics.execution_stats.results_returned == 2
    assert metrics.execution_stats.read_operations >= 2


async def test_an_aggregate_explained(cities):
    results, metrics = await explained(cities.count(alias="c"), analyze=True)
    assert [[(r.alias, r.value) for r in row] for row in results] == [[("c", 5)]]
    assert metrics.execution_stats.results_returned == 1

