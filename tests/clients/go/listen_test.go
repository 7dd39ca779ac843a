package clients

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/firestore"
	"google.golang.org/api/iterator"
	"google.golang.org/grpc/codes"
)

const patience = 60 * time.Second

// listen gives what returns the next snapshot's changes, as "added a 1": kind, id, field n; and what ends it.
func listen(t *testing.T, q firestore.Query) (next func() []string, stop func()) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	it := q.Snapshots(ctx)
	t.Cleanup(func() { it.Stop(); cancel() })
	return func() []string {
		t.Helper()
		snapshot, err := it.Next()
		must(t, err)
		told := []string{}
		for _, c := range snapshot.Changes {
			kind := map[firestore.DocumentChangeKind]string{
				firestore.DocumentAdded: "added", firestore.DocumentModified: "modified", firestore.DocumentRemoved: "removed"}[c.Kind]
			told = append(told, fmt.Sprint(kind, " ", c.Doc.Ref.ID, " ", c.Doc.Data()["n"]))
		}
		slices.Sort(told)
		return told
	}, it.Stop
}

func remove(t *testing.T, ref *firestore.DocumentRef) {
	t.Helper()
	_, err := ref.Delete(t.Context())
	must(t, err)
}

func TestAListenerIsToldWhatComesChangesLeavesAndGoes(t *testing.T) {
	_, db := connect(t)
	c := db.Collection("c")
	set(t, c.Doc("a"), M{"n": 1})
	next, _ := listen(t, c.Where("n", ">", 0))
	equal(t, next(), []string{"added a 1"})
	set(t, c.Doc("b"), M{"n": 2})
	equal(t, next(), []string{"added b 2"})
	set(t, c.Doc("b"), M{"n": 3})
	equal(t, next(), []string{"modified b 3"})
	set(t, c.Doc("b"), M{"n": 0})
	equal(t, next(), []string{"removed b 3"})
	remove(t, c.Doc("a"))
	equal(t, next(), []string{"removed a 1"})
}

func TestOneCommitIsOneSnapshot(t *testing.T) {
	ctx, db := connect(t)
	next, _ := listen(t, db.Collection("c").Query)
	equal(t, next(), []string{})
	many := map[string]any{}
	for i := range 20 {
		many[fmt.Sprint("c/", i)] = M{"n": i}
	}
	fill(t, ctx, db, many)
	equal(t, len(next()), 20)
}

func TestWhatMovesIntoALimitComesWithWhatLeavesIt(t *testing.T) {
	ctx, db := connect(t)
	fill(t, ctx, db, map[string]any{"c/a": M{"n": 1}, "c/b": M{"n": 2}, "c/c": M{"n": 3}, "c/d": M{"n": 4}})
	next, _ := listen(t, db.Collection("c").OrderBy("n", firestore.Asc).Limit(2))
	equal(t, next(), []string{"added a 1", "added b 2"})
	remove(t, db.Doc("c/a"))
	equal(t, next(), []string{"added c 3", "removed a 1"})
	set(t, db.Doc("c/d"), M{"n": 0})
	equal(t, next(), []string{"added d 0", "removed c 3"})
}

func TestADocumentIsToldOfBeforeItIsThereWhileItIsAndAfter(t *testing.T) {
	_, db := connect(t)
	ref := db.Doc("c/d")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	it := ref.Snapshots(ctx)
	defer it.Stop()
	next := func() M {
		t.Helper()
		snapshot, err := it.Next()
		must(t, err)
		equal(t, snapshot.Ref.ID, "d")
		return snapshot.Data()
	}
	equal(t, next(), M(nil))
	set(t, ref, M{"n": 1})
	equal(t, next(), M{"n": int64(1)})
	remove(t, ref)
	equal(t, next(), M(nil))
}

func TestSeveralListenersOfOneClientAreToldEachItsOwn(t *testing.T) {
	_, db := connect(t)
	low, _ := listen(t, db.Collection("c").Where("n", "<", 10))
	high, _ := listen(t, db.Collection("c").Where("n", ">=", 10))
	group, _ := listen(t, db.CollectionGroup("c").Query)
	for _, next := range []func() []string{low, high, group} {
		equal(t, next(), []string{})
	}
	set(t, db.Doc("c/a"), M{"n": 5})
	equal(t, low(), []string{"added a 5"})
	equal(t, group(), []string{"added a 5"})
	set(t, db.Doc("c/a"), M{"n": 15})
	equal(t, low(), []string{"removed a 5"})
	equal(t, high(), []string{"added a 15"})
	equal(t, group(), []string{"modified a 15"})
	set(t, db.Doc("x/y/c/b"), M{"n": 1})
	equal(t, group(), []string{"added b 1"})
}

func TestAQueryThatCannotBeIsAnErrorOfItsListenerAlone(t *testing.T) {
	ctx, db := connect(t)
	next, _ := listen(t, db.Collection("c").Query)
	equal(t, next(), []string{})
	it := db.Collection("c").Where("n", "in", make([]int, 31)).Snapshots(ctx)
	defer it.Stop()
	_, err := it.Next()
	refused(t, err, codes.InvalidArgument)
	set(t, db.Doc("c/a"), M{"n": 1})
	equal(t, next(), []string{"added a 1"})
}

func TestAListenerThatRulesDenyEndsWithPermissionDenied(t *testing.T) {
	serve(t, asUser(t, "match /open/{d} { allow read, write: if request.auth.uid == 'ann'; }")...)
	ctx, db := connect(t)
	next, _ := listen(t, db.Collection("open").Query)
	equal(t, next(), []string{})
	it := db.Collection("shut").Snapshots(ctx)
	defer it.Stop()
	_, err := it.Next()
	refused(t, err, codes.PermissionDenied)
	set(t, db.Doc("open/a"), M{"n": 1})
	equal(t, next(), []string{"added a 1"})
}

func TestAListenerGoesOnAfterARestartOfTheServer(t *testing.T) {
	s := serve(t)
	ctx, db := connect(t)
	fill(t, ctx, db, map[string]any{"c/kept": M{"n": 1}, "c/gone": M{"n": 2}})
	next, _ := listen(t, db.Collection("c").Query)
	equal(t, next(), []string{"added gone 2", "added kept 1"})
	s.stop(t)
	s.start(t)
	must(t, eventually(func() error {
		return db.RunTransaction(ctx, func(_ context.Context, tx *firestore.Transaction) error {
			return errors.Join(tx.Delete(db.Doc("c/gone")), tx.Set(db.Doc("c/new"), M{"n": 3}))
		})
	}))
	equal(t, next(), []string{"added new 3", "removed gone 2"})
}

// eventually does it again until it is done, or patience ends.
func eventually(do func() error) error {
	for end := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		if err := do(); err == nil || time.Now().After(end) {
			return err
		}
	}
}

func TestAListenerThatStopsIsForgottenByTheServer(t *testing.T) {
	s := serve(t)
	_, db := connect(t)
	next, stop := listen(t, db.Collection("c").Query)
	other, _ := listen(t, db.Collection("c").Query)
	equal(t, next(), []string{})
	equal(t, other(), []string{})
	must(t, eventually(func() error { return has(s.metrics(t), "cinderlog_listeners 2") }))
	stop()
	must(t, eventually(func() error { return has(s.metrics(t), "cinderlog_listeners 1") }))
	set(t, db.Doc("c/a"), M{"n": 1})
	equal(t, other(), []string{"added a 1"})
}

func has(text, line string) error {
	if slices.Contains(strings.Split(text, "\n"), line) {
		return nil
	}
	return fmt.Errorf("no line %q", line)
}

func TestASnapshotIteratorThatStoppedIsDone(t *testing.T) {
	ctx, db := connect(t)
	it := db.Collection("c").Snapshots(ctx)
	_, err := it.Next()
	must(t, err)
	it.Stop()
	_, err = it.Next()
	equal(t, err, iterator.Done)
}
