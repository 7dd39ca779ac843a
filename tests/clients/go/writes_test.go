package clients

import (
	"math"
	"testing"
	"time"

	"cloud.google.com/go/firestore"
	"google.golang.org/genproto/googleapis/type/latlng"
	"google.golang.org/grpc/codes"
)

func TestAddThenGetReturnsWhatWasWritten(t *testing.T) {
	ctx, db := connect(t)
	ref, result, err := db.Collection("logs").Add(ctx, M{"request_id": "r1", "n": 1})
	must(t, err)
	snapshot, err := ref.Get(ctx)
	must(t, err)
	equal(t, snapshot.Data(), M{"request_id": "r1", "n": int64(1)})
	equal(t, snapshot.CreateTime, result.UpdateTime)
	equal(t, snapshot.UpdateTime, result.UpdateTime)
}

func TestEveryValueTypeSurvives(t *testing.T) {
	_, db := connect(t)
	when := time.Date(2026, 1, 2, 3, 4, 5, 678901000, time.UTC)
	data := M{"null": nil, "yes": true, "int": int64(math.MinInt64), "big": int64(math.MaxInt64), "float": 1.5,
		"inf": math.Inf(-1), "text": "größe 😀 \x00 end", "bytes": []byte{0, 1, 255}, "when": when,
		"where": &latlng.LatLng{Latitude: -12.5, Longitude: 170.25},
		"list":  []any{int64(1), "two", M{"three": []any{int64(4)}}},
		"map":   M{"a": M{"b": M{"c": int64(1)}}}, "empty map": M{}, "empty list": []any{},
		"vector": firestore.Vector64{1.5, -2}}
	ref := db.Doc("types/all")
	set(t, ref, data)
	got := read(t, ref)
	where := got["where"].(*latlng.LatLng)
	equal(t, []float64{where.Latitude, where.Longitude}, []float64{-12.5, 170.25})
	delete(got, "where")
	delete(data, "where")
	equal(t, got, data)
}

func TestStructsAreReadBack(t *testing.T) {
	ctx, db := connect(t)
	type entry struct {
		Method string    `firestore:"method"`
		Status int       `firestore:"status_code"`
		Other  string    `firestore:"other,omitempty"`
		At     time.Time `firestore:"at,serverTimestamp"`
	}
	ref := db.Doc("logs/e")
	result := set(t, ref, entry{Method: "GET", Status: 200})
	snapshot, err := ref.Get(ctx)
	must(t, err)
	var back entry
	must(t, snapshot.DataTo(&back))
	equal(t, back, entry{Method: "GET", Status: 200, At: back.At})
	if age := result.UpdateTime.Sub(back.At).Abs(); age > time.Second {
		t.Fatalf("server timestamp is %v away from the update time", age)
	}
}

func TestMissingDocumentIsNotFoundAndDoesNotExist(t *testing.T) {
	ctx, db := connect(t)
	snapshot, err := db.Doc("c/missing").Get(ctx)
	refused(t, err, codes.NotFound)
	equal(t, snapshot.Exists(), false)
	equal(t, snapshot.ReadTime.IsZero(), false)
}

func TestSetMergeKeepsTheOtherFields(t *testing.T) {
	_, db := connect(t)
	ref := db.Doc("c/d")
	set(t, ref, M{"a": M{"b": 1, "c": 1}, "n": 1})
	set(t, ref, M{"a": M{"c": 2}, "new": "x"}, firestore.MergeAll)
	equal(t, read(t, ref), M{"a": M{"b": int64(1), "c": int64(2)}, "n": int64(1), "new": "x"})
	set(t, ref, M{"a": M{"b": 9, "c": 9}, "n": 9}, firestore.Merge([]string{"a", "b"}))
	equal(t, read(t, ref), M{"a": M{"b": int64(9), "c": int64(2)}, "n": int64(1), "new": "x"})
	set(t, ref, M{"only": true})
	equal(t, read(t, ref), M{"only": true})
}

func TestUpdateOfPathsAndTransforms(t *testing.T) {
	ctx, db := connect(t)
	ref := db.Doc("c/d")
	set(t, ref, M{"a": M{"b": 1, "c": 1}, "odd.name": 1, "i": 40, "f": 0.5, "max": 3, "min": 3, "tags": []string{"a", "b"},
		"less": []int{1, 2, 1}})
	_, err := ref.Update(ctx, []firestore.Update{
		{Path: "a.b", Value: 2}, {Path: "a.c", Value: firestore.Delete}, {FieldPath: []string{"odd.name"}, Value: 2},
		{Path: "i", Value: firestore.Increment(2)}, {Path: "f", Value: firestore.Increment(1)},
		{Path: "max", Value: firestore.FieldTransformMaximum(7.5)}, {Path: "min", Value: firestore.FieldTransformMinimum(-1)},
		{Path: "tags", Value: firestore.ArrayUnion("b", "c")}, {Path: "less", Value: firestore.ArrayRemove(1)},
		{Path: "at", Value: firestore.ServerTimestamp}})
	must(t, err)
	got := read(t, ref)
	if _, ok := got["at"].(time.Time); !ok {
		t.Fatalf("no server timestamp: %v", got)
	}
	delete(got, "at")
	equal(t, got, M{"a": M{"b": int64(2)}, "odd.name": int64(2), "i": int64(42), "f": 1.5, "max": 7.5, "min": int64(-1),
		"tags": []any{"a", "b", "c"}, "less": []any{int64(2)}})
}

func TestPreconditionsOnTheUpdateTime(t *testing.T) {
	ctx, db := connect(t)
	ref := db.Doc("c/d")
	first := set(t, ref, M{"n": 1})
	change := []firestore.Update{{Path: "n", Value: 2}}
	second, err := ref.Update(ctx, change, firestore.LastUpdateTime(first.UpdateTime))
	must(t, err)
	if !second.UpdateTime.After(first.UpdateTime) {
		t.Fatalf("%v is not after %v", second.UpdateTime, first.UpdateTime)
	}
	_, err = ref.Delete(ctx, firestore.LastUpdateTime(first.UpdateTime))
	refused(t, err, codes.FailedPrecondition)
	equal(t, read(t, ref), M{"n": int64(2)})
	_, err = ref.Delete(ctx, firestore.LastUpdateTime(second.UpdateTime))
	must(t, err)
	_, err = ref.Delete(ctx, firestore.Exists)
	refused(t, err, codes.NotFound)
}

func TestBulkWriterWritesAndTellsOfEach(t *testing.T) {
	ctx, db := connect(t)
	c := db.Collection("bulk")
	fill(t, ctx, db, map[string]any{"bulk/taken": M{"n": 0}, "bulk/merged": M{"a": 1}, "bulk/gone": M{"n": 0}})
	writer := db.BulkWriter(ctx)
	var created []*firestore.BulkWriterJob
	for range 45 { // more than two batches of 20
		job, err := writer.Create(c.NewDoc(), M{"fresh": true})
		must(t, err)
		created = append(created, job)
	}
	taken, err := writer.Create(c.Doc("taken"), M{"n": 1})
	must(t, err)
	merged, err := writer.Set(c.Doc("merged"), M{"b": 2}, firestore.MergeAll)
	must(t, err)
	missing, err := writer.Update(c.Doc("missing"), []firestore.Update{{Path: "n", Value: 1}})
	must(t, err)
	_, err = writer.Delete(c.Doc("gone"))
	must(t, err)
	writer.End()

	for _, job := range append(created, merged) {
		result, err := job.Results()
		must(t, err)
		equal(t, result.UpdateTime.IsZero(), false)
	}
	_, err = taken.Results()
	refused(t, err, codes.AlreadyExists)
	_, err = missing.Results()
	refused(t, err, codes.NotFound)
	equal(t, len(documents(t, c.Where("fresh", "==", true))), 45)
	equal(t, read(t, c.Doc("taken")), M{"n": int64(0)})
	equal(t, read(t, c.Doc("merged")), M{"a": int64(1), "b": int64(2)})
	_, err = c.Doc("gone").Get(ctx)
	refused(t, err, codes.NotFound)
}

func TestBatchIsWrittenWholeOrNotAtAll(t *testing.T) {
	ctx, db := connect(t)
	batch := db.Batch() // deprecated, and still what much code calls
	results, err := batch.Create(db.Doc("c/a"), M{"n": 1}).Set(db.Doc("c/b"), M{"n": 2}).
		Update(db.Doc("c/a"), []firestore.Update{{Path: "n", Value: firestore.Increment(9)}}).Commit(ctx)
	must(t, err)
	equal(t, len(results), 3)
	equal(t, results[0].UpdateTime, results[1].UpdateTime)
	equal(t, read(t, db.Doc("c/a")), M{"n": int64(10)})

	change := []firestore.Update{{Path: "n", Value: 1}}
	_, err = db.Batch().Set(db.Doc("c/new"), M{}).Update(db.Doc("c/missing"), change).Commit(ctx)
	refused(t, err, codes.NotFound)
	equal(t, ids(t, db.Collection("c").Query), []string{"a", "b"})
}
