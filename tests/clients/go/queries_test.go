package clients

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"cloud.google.com/go/firestore"
	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
)

// cities writes five documents and gives their collection.
func cities(t *testing.T) (*firestore.Client, *firestore.CollectionRef) {
	t.Helper()
	ctx, db := connect(t)
	fill(t, ctx, db, map[string]any{
		"cities/ber": M{"n": 3, "state": "BE", "tags": []string{"a", "b"}, "area": M{"km": 892}},
		"cities/ham": M{"n": 2, "state": "HH", "tags": []string{"b"}, "area": M{"km": 755}},
		"cities/muc": M{"n": 1, "state": "BY", "tags": []string{"c"}, "area": M{"km": 311}},
		"cities/nue": M{"n": 1, "state": "BY", "tags": []string{}, "area": M{"km": 186}, "note": nil},
		"cities/odd": M{"n": math.NaN(), "state": "", "tags": "a"}})
	return db, db.Collection("cities")
}

func TestEachOperator(t *testing.T) {
	_, c := cities(t)
	for _, test := range []struct {
		field, op string
		value     any
		found     string
	}{
		{"n", "==", 1, "muc nue"}, {"n", "==", 1.0, "muc nue"}, {"n", "!=", 1, "odd ham ber"}, {"n", "<", 2, "muc nue"},
		{"n", "<=", 2, "muc nue ham"}, {"n", ">", 2, "ber"}, {"n", ">=", 2, "ham ber"},
		{"n", "in", []int{1, 3}, "ber muc nue"}, {"n", "not-in", []int{1, 3}, "odd ham"},
		{"n", "==", math.NaN(), "odd"}, {"n", "!=", math.NaN(), "muc nue ham ber"},
		{"tags", "array-contains", "b", "ber ham"}, {"tags", "array-contains-any", []string{"a", "c"}, "ber muc"},
		{"tags", "==", []string{}, "nue"}, {"note", "==", nil, "nue"}, {"state", "!=", nil, "odd ber muc nue ham"},
		{"area.km", ">", 500, "ham ber"}, {"area", "==", M{"km": 311}, "muc"},
		{firestore.DocumentID, ">", c.Doc("ham"), "muc nue odd"},
		{firestore.DocumentID, "in", []*firestore.DocumentRef{c.Doc("odd"), c.Doc("ber")}, "ber odd"},
	} {
		t.Run(fmt.Sprintf("%s %s %v", test.field, test.op, test.value), func(t *testing.T) {
			equal(t, strings.Join(ids(t, c.Where(test.field, test.op, test.value)), " "), test.found)
		})
	}
}

func TestCompositeFiltersNest(t *testing.T) {
	_, c := cities(t)
	is := func(path, op string, value any) firestore.EntityFilter {
		return firestore.PropertyFilter{Path: path, Operator: op, Value: value}
	}
	both := firestore.AndFilter{Filters: []firestore.EntityFilter{is("state", "==", "BY"),
		firestore.OrFilter{Filters: []firestore.EntityFilter{is("area.km", ">", 300), is("note", "==", nil)}}}}
	equal(t, ids(t, c.WhereEntity(both).OrderBy("area.km", firestore.Asc)), []string{"nue", "muc"})
	several := c.Where("n", "<", 3).Where("area.km", ">", 200).OrderBy("area.km", firestore.Desc)
	equal(t, ids(t, several), []string{"ham", "muc"})
}

func TestCursorsOfEveryKind(t *testing.T) {
	_, c := cities(t)
	q := c.OrderBy("area.km", firestore.Asc) // nue 186, muc 311, ham 755, ber 892
	equal(t, ids(t, q.StartAt(311)), []string{"muc", "ham", "ber"})
	equal(t, ids(t, q.StartAfter(311)), []string{"ham", "ber"})
	equal(t, ids(t, q.EndAt(755)), []string{"nue", "muc", "ham"})
	equal(t, ids(t, q.EndBefore(755)), []string{"nue", "muc"})
	equal(t, ids(t, q.StartAt(300).EndBefore(800)), []string{"muc", "ham"})
	equal(t, ids(t, q.Offset(1).Limit(2)), []string{"muc", "ham"})
	equal(t, ids(t, q.LimitToLast(2)), []string{"ham", "ber"}) // the last: it turns the orders of q around

	muc, err := c.Doc("muc").Get(t.Context())
	must(t, err)
	equal(t, ids(t, c.OrderBy("n", firestore.Asc).StartAfter(muc)), []string{"nue", "ham", "ber"})
	equal(t, ids(t, c.OrderBy("n", firestore.Asc).EndAt(muc)), []string{"odd", "muc"})
}

func TestPagesAddUpToTheWhole(t *testing.T) {
	ctx, db := connect(t)
	everything, want := map[string]any{}, []string{}
	for i := range 100 {
		everything[fmt.Sprintf("many/%03d", i)] = M{"g": i % 7}
		want = append(want, fmt.Sprintf("%d %03d", i%7, i))
	}
	slices.Sort(want)
	fill(t, ctx, db, everything)
	seen, q := []string{}, db.Collection("many").OrderBy("g", firestore.Asc).Limit(9)
	for page := documents(t, q); len(page) > 0; page = documents(t, q.StartAfter(page[len(page)-1])) {
		for _, s := range page {
			seen = append(seen, fmt.Sprintf("%d %s", s.Data()["g"], s.Ref.ID))
		}
	}
	equal(t, seen, want)
}

func TestTwoThousandDocumentsStreamThroughFlowControl(t *testing.T) {
	ctx, db := connect(t)
	writer := map[string]any{}
	for i := range 2000 {
		writer[fmt.Sprintf("many/%05d", i)] = M{"i": i, "pad": strings.Repeat("x", 200)}
		if len(writer) == 500 {
			fill(t, ctx, db, writer)
			writer = map[string]any{}
		}
	}
	snapshots := documents(t, db.Collection("many").Query)
	equal(t, len(snapshots), 2000)
	for i, s := range snapshots {
		equal(t, s.Data()["i"], int64(i))
	}
}

func TestProjectionReturnsOnlyWhatWasAsked(t *testing.T) {
	_, c := cities(t)
	equal(t, documents(t, c.Select("area.km", "state").Limit(1))[0].Data(), M{"area": M{"km": int64(892)}, "state": "BE"})
	equal(t, documents(t, c.Select().Limit(1))[0].Data(), M{})
}

func TestGetAllTellsTheMissingInOrder(t *testing.T) {
	db, c := cities(t)
	refs := []*firestore.DocumentRef{c.Doc("muc"), c.Doc("nowhere"), c.Doc("ber"), c.Doc("muc")}
	snapshots, err := db.GetAll(t.Context(), refs)
	must(t, err)
	got := []string{}
	for _, s := range snapshots {
		got = append(got, fmt.Sprintf("%s %v", s.Ref.ID, s.Exists()))
	}
	equal(t, got, []string{"muc true", "nowhere false", "ber true", "muc true"})
}

func TestReadTimeSeesThePast(t *testing.T) {
	_, c := cities(t)
	ber, err := c.Doc("ber").Get(t.Context())
	must(t, err)
	_, err = c.Doc("ber").Delete(t.Context())
	must(t, err)
	equal(t, ids(t, c.Query), []string{"ham", "muc", "nue", "odd"})
	past := firestore.ReadTime(ber.ReadTime)
	was, err := c.Doc("ber").WithReadOptions(past).Get(t.Context())
	must(t, err)
	equal(t, was.Data(), ber.Data())
	equal(t, ids(t, c.Query.WithReadOptions(past)), []string{"ber", "ham", "muc", "nue", "odd"})
}

// aggregate reads an answer as plain Go values.
func aggregate(t *testing.T, q *firestore.AggregationQuery) M {
	t.Helper()
	result, err := q.Get(t.Context())
	must(t, err)
	plain := M{}
	for alias, value := range result {
		switch v := value.(*pb.Value).GetValueType().(type) {
		case *pb.Value_IntegerValue:
			plain[alias] = v.IntegerValue
		case *pb.Value_DoubleValue:
			plain[alias] = v.DoubleValue
		case *pb.Value_NullValue:
			plain[alias] = nil
		default:
			t.Fatalf("%s is a %T", alias, v)
		}
	}
	return plain
}

func TestCountSumAndAverage(t *testing.T) {
	_, c := cities(t)
	positive, none := c.Where("n", ">=", 1), c.Where("n", ">", 100)
	equal(t, aggregate(t, positive.NewAggregationQuery().WithCount("all").WithSum("n", "sum").WithAvg("n", "avg")),
		M{"all": int64(4), "sum": int64(7), "avg": 1.75})
	equal(t, aggregate(t, none.NewAggregationQuery().WithCount("all").WithSum("n", "sum").WithAvg("n", "avg")),
		M{"all": int64(0), "sum": int64(0), "avg": nil})
	two := c.Limit(2)
	equal(t, aggregate(t, two.NewAggregationQuery().WithCount("c")), M{"c": int64(2)})
	rest := c.OrderBy("area.km", firestore.Asc).StartAfter(311)
	equal(t, aggregate(t, rest.NewAggregationQuery().WithSum("area.km", "s")), M{"s": int64(892 + 755)})
	equal(t, math.IsNaN(aggregate(t, c.NewAggregationQuery().WithSum("n", "s"))["s"].(float64)), true)
}

// landmarks writes six documents at several depths, five of them in collections of one name.
func landmarks(t *testing.T) *firestore.Client {
	t.Helper()
	ctx, db := connect(t)
	fill(t, ctx, db, map[string]any{"cities/a/landmarks/1": M{"n": 1}, "cities/b/landmarks/2": M{"n": 2},
		"cities/b/landmarks/3": M{"n": 3}, "landmarks/4": M{"n": 4}, "x/y/z/w/landmarks/5": M{"n": 5},
		"cities/b/landmarksX/6": M{"n": 6}})
	return db
}

func TestCollectionGroupsReachEveryDepth(t *testing.T) {
	db := landmarks(t)
	group := db.CollectionGroup("landmarks")
	equal(t, ids(t, group.Query), []string{"1", "2", "3", "4", "5"})
	equal(t, ids(t, group.Where("n", ">", 2).OrderBy("n", firestore.Desc)), []string{"5", "4", "3"})
	equal(t, aggregate(t, group.NewAggregationQuery().WithCount("c")), M{"c": int64(5)})
	from := db.Doc("cities/b/landmarks/2")
	equal(t, ids(t, group.Where(firestore.DocumentID, ">", from)), []string{"3", "4", "5"})
}

func TestPartitionsCoverTheGroupOnceAndInOrder(t *testing.T) {
	ctx, db := connect(t)
	want := []string{}
	for _, parent := range []string{"a/1", "b/2"} {
		part := map[string]any{}
		for range 200 {
			id := fmt.Sprintf("%04d", len(want))
			part[parent+"/group/"+id] = M{}
			want = append(want, id)
		}
		fill(t, ctx, db, part)
	}
	partitions, err := db.CollectionGroup("group").GetPartitionedQueries(ctx, 4)
	must(t, err)
	if len(partitions) < 2 || len(partitions) > 5 { // this client asks for as many cuts
		t.Fatalf("%d partitions", len(partitions))
	}
	seen := []string{}
	for _, partition := range partitions {
		wire, err := partition.Serialize() // as another process would get it
		must(t, err)
		again, err := db.CollectionGroup("").Query.Deserialize(wire)
		must(t, err)
		seen = append(seen, ids(t, again)...)
	}
	equal(t, seen, want)
}

func TestCollectionsOfTheRootAndOfADocument(t *testing.T) {
	db := landmarks(t)
	id := func(c *firestore.CollectionRef) string { return c.ID }
	equal(t, all(t, db.Collections(t.Context()).Next, id), []string{"cities", "landmarks", "x"})
	equal(t, all(t, db.Doc("cities/b").Collections(t.Context()).Next, id), []string{"landmarks", "landmarksX"})
	equal(t, all(t, db.Doc("landmarks/4").Collections(t.Context()).Next, id), []string{})
}

func TestDocumentRefsNameTheMissingParents(t *testing.T) {
	db := landmarks(t)
	set(t, db.Doc("cities/c"), M{})
	id := func(d *firestore.DocumentRef) string { return d.ID }
	equal(t, all(t, db.Collection("cities").DocumentRefs(t.Context()).Next, id), []string{"a", "b", "c"})
	equal(t, ids(t, db.Collection("cities").Query), []string{"c"})
}

func TestDocumentRefsComeInPages(t *testing.T) {
	ctx, db := connect(t)
	many, want := map[string]any{}, []string{}
	for i := range 25 {
		want = append(want, fmt.Sprintf("%02d", i))
		many["many/"+want[i]] = M{}
	}
	fill(t, ctx, db, many)
	refs := db.Collection("many").DocumentRefs(ctx)
	refs.PageInfo().MaxSize = 10
	equal(t, all(t, refs.Next, func(d *firestore.DocumentRef) string { return d.ID }), want)
}

func TestNearestNeighbours(t *testing.T) {
	ctx, db := connect(t)
	fill(t, ctx, db, map[string]any{
		"points/a":     M{"v": firestore.Vector64{1, 0}, "even": false},
		"points/b":     M{"v": firestore.Vector64{0, 2}, "even": true},
		"points/c":     M{"v": firestore.Vector64{3, 4}, "even": false},
		"points/d":     M{"v": firestore.Vector64{-1, 0}, "even": true},
		"points/other": M{"v": []float64{1, 0}}}) // a list is no vector
	for _, test := range []struct {
		measure firestore.DistanceMeasure
		found   string
	}{
		{firestore.DistanceMeasureEuclidean, "a 0.00, d 2.00, b 2.24"},
		{firestore.DistanceMeasureCosine, "a 0.00, c 0.40, b 1.00"},
		{firestore.DistanceMeasureDotProduct, "c 3.00, a 1.00, b 0.00"},
	} {
		near := db.Collection("points").FindNearest("v", firestore.Vector64{1, 0}, 3, test.measure,
			&firestore.FindNearestOptions{DistanceResultField: "far"})
		got := []string{}
		for _, s := range documents(t, near) {
			got = append(got, fmt.Sprintf("%s %.2f", s.Ref.ID, s.Data()["far"]))
		}
		equal(t, strings.Join(got, ", "), test.found)
	}
	within := &firestore.FindNearestOptions{DistanceThreshold: firestore.Ptr(2.0)}
	equal(t, ids(t, db.Collection("points").Where("even", "==", true).FindNearest("v", firestore.Vector64{1, 0}, 9,
		firestore.DistanceMeasureEuclidean, within)), []string{"d"})
}

func TestAPlanWithResultsAndFigures(t *testing.T) {
	_, c := cities(t)
	found := c.Where("n", "==", 1).WithRunOptions(firestore.ExplainOptions{Analyze: true}).Documents(t.Context())
	snapshots, err := found.GetAll()
	must(t, err)
	metrics, err := found.ExplainMetrics()
	must(t, err)
	equal(t, len(snapshots), 2)
	if metrics == nil || metrics.PlanSummary == nil || metrics.ExecutionStats == nil {
		t.Fatalf("%+v", metrics)
	}
	equal(t, metrics.ExecutionStats.ResultsReturned, int64(2))

	planned := c.Where("n", "==", 1).WithRunOptions(firestore.ExplainOptions{}).Documents(t.Context())
	snapshots, err = planned.GetAll()
	must(t, err)
	metrics, err = planned.ExplainMetrics()
	must(t, err)
	equal(t, len(snapshots), 0)
	if metrics == nil || metrics.PlanSummary == nil || metrics.ExecutionStats != nil {
		t.Fatalf("%+v", metrics)
	}
}
