package clients

import (
	"context"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/firestore"
	"google.golang.org/grpc/codes"
)

var longAgo = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)

func TestARefusedWriteIsSentOnce(t *testing.T) {
	ctx, db := connect(t)
	kept := db.Doc("c/d")
	change := []firestore.Update{{Path: "a", Value: 1}}
	for what, test := range map[string]struct {
		write func() (*firestore.WriteResult, error)
		code  codes.Code
		name  string
	}{
		"create of what exists": {func() (*firestore.WriteResult, error) { return kept.Create(ctx, M{}) },
			codes.AlreadyExists, "ALREADY_EXISTS"},
		"update of what is missing": {func() (*firestore.WriteResult, error) { return db.Doc("c/no").Update(ctx, change) },
			codes.NotFound, "NOT_FOUND"},
		"stale update": {func() (*firestore.WriteResult, error) {
			return kept.Update(ctx, change, firestore.LastUpdateTime(longAgo))
		}, codes.FailedPrecondition, "FAILED_PRECONDITION"},
		"stale delete": {func() (*firestore.WriteResult, error) {
			return kept.Delete(ctx, firestore.LastUpdateTime(longAgo))
		}, codes.FailedPrecondition, "FAILED_PRECONDITION"},
		"reserved id": {func() (*firestore.WriteResult, error) { return db.Doc("c/__d__").Set(ctx, M{}) },
			codes.InvalidArgument, "INVALID_ARGUMENT"},
		"reserved field": {func() (*firestore.WriteResult, error) { return kept.Set(ctx, M{"__f__": 1}) },
			codes.InvalidArgument, "INVALID_ARGUMENT"},
		"list in a list": {func() (*firestore.WriteResult, error) { return kept.Set(ctx, M{"a": [][]int{{1}}}) },
			codes.InvalidArgument, "INVALID_ARGUMENT"},
		"document over 1 MiB": {func() (*firestore.WriteResult, error) {
			return kept.Set(ctx, M{"a": strings.Repeat("x", 1<<20)})
		}, codes.InvalidArgument, "INVALID_ARGUMENT"},
	} {
		t.Run(what, func(t *testing.T) {
			set(t, kept, M{"kept": true})
			log := newRequests(t)
			_, err := test.write()
			refused(t, err, test.code)
			equal(t, log.codes(t, "Commit"), []string{test.name})
			equal(t, read(t, kept), M{"kept": true})
		})
	}
}

func TestARefusedReadIsSentOnce(t *testing.T) {
	ctx, db := connect(t)
	c := db.Collection("c")
	long := make([]int, 31)
	six := c.NewAggregationQuery()
	for _, alias := range []string{"a", "b", "c", "d", "e", "f"} {
		six = six.WithCount(alias)
	}
	run := func(q queryer) error { _, err := q.Documents(ctx).GetAll(); return err }
	for what, test := range map[string]struct {
		rpc  string
		read func() error
	}{
		"two kinds of negation": {"RunQuery", func() error {
			return run(c.Where("a", "!=", 1).Where("a", "not-in", []int{2}))
		}},
		"list too long": {"RunQuery", func() error { return run(c.Where("a", "in", long)) }},
		"nearest of too many": {"RunQuery", func() error {
			return run(c.FindNearest("v", firestore.Vector64{1}, 1001, firestore.DistanceMeasureEuclidean, nil))
		}},
		"six aggregates": {"RunAggregationQuery", func() error { _, err := six.Get(ctx); return err }},
	} {
		t.Run(what, func(t *testing.T) {
			log := newRequests(t)
			refused(t, test.read(), codes.InvalidArgument)
			equal(t, log.codes(t, test.rpc), []string{"INVALID_ARGUMENT"})
		})
	}
}

func TestAPipelineIsUnimplementedAndSaysSo(t *testing.T) {
	ctx, db := connect(t)
	log := newRequests(t)
	_, err := db.Pipeline().Collection("c").Execute(ctx).Results().GetAll()
	refused(t, err, codes.Unimplemented)
	equal(t, log.codes(t, "ExecutePipeline"), []string{"UNIMPLEMENTED"})
}

func TestADeadlineIsSurfaced(t *testing.T) {
	ctx, db := connect(t)
	ref := db.Doc("c/d")
	set(t, ref, M{"n": 1})
	must(t, db.RunTransaction(ctx, func(_ context.Context, tx *firestore.Transaction) error {
		if _, err := tx.Get(ref); err != nil {
			return err
		}
		short, cancel := context.WithTimeout(ctx, 200*time.Millisecond)
		defer cancel()
		_, err := ref.Set(short, M{"n": 2}) // waits for this transaction, which holds the document
		refused(t, err, codes.DeadlineExceeded)
		return nil
	}))
}
