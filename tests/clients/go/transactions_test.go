package clients

import (
	"context"
	"errors"
	"sync"
	"testing"

	"cloud.google.com/go/firestore"
	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/grpc/codes"
)

func TestTransactionReadsDocumentsAndQueries(t *testing.T) {
	ctx, db := connect(t)
	c := db.Collection("bank")
	fill(t, ctx, db, map[string]any{"bank/a": M{"n": 5}, "bank/b": M{"n": 7}})
	response := &firestore.CommitResponse{}
	must(t, db.RunTransaction(ctx, func(_ context.Context, tx *firestore.Transaction) error {
		snapshots, err := tx.GetAll([]*firestore.DocumentRef{c.Doc("a"), c.Doc("b"), c.Doc("missing")})
		if err != nil {
			return err
		}
		equal(t, snapshots[2].Exists(), false)
		above, err := tx.Documents(c.Where("n", ">", 5)).GetAll()
		if err != nil {
			return err
		}
		count, err := c.NewAggregationQuery().WithCount("all").Transaction(tx).Get(ctx)
		if err != nil {
			return err
		}
		sum := snapshots[0].Data()["n"].(int64) + snapshots[1].Data()["n"].(int64)
		return tx.Create(c.Doc("sum"), M{"n": sum, "above": len(above), "all": count["all"].(*pb.Value).GetIntegerValue()})
	}, firestore.WithCommitResponseTo(response)))
	equal(t, read(t, c.Doc("sum")), M{"n": int64(12), "above": int64(1), "all": int64(2)})
	equal(t, response.CommitTime().IsZero(), false)
}

func TestContendedTransactionsLoseNoUpdate(t *testing.T) {
	ctx, db := connect(t)
	ref := db.Doc("bank/a")
	set(t, ref, M{"n": 0})
	var workers sync.WaitGroup
	for range 4 {
		workers.Go(func() {
			for range 5 {
				err := db.RunTransaction(ctx, func(_ context.Context, tx *firestore.Transaction) error {
					snapshot, err := tx.Get(ref)
					if err != nil {
						return err
					}
					return tx.Set(ref, M{"n": snapshot.Data()["n"].(int64) + 1})
				}, firestore.MaxAttempts(50))
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	workers.Wait()
	equal(t, read(t, ref), M{"n": int64(20)})
}

func TestATransactionThatFailsWritesNothingAndLetsGo(t *testing.T) {
	ctx, db := connect(t)
	ref := db.Doc("c/d")
	set(t, ref, M{"n": 1})
	changed := errors.New("changed my mind")
	err := db.RunTransaction(ctx, func(_ context.Context, tx *firestore.Transaction) error {
		if _, err := tx.Get(ref); err != nil {
			return err
		}
		if err := tx.Set(ref, M{"n": 2}); err != nil {
			return err
		}
		return changed
	})
	equal(t, err, changed)
	set(t, ref, M{"n": 3}) // waits for nobody
	equal(t, read(t, ref), M{"n": int64(3)})
}

func TestAReadOnlyTransactionSeesOneMoment(t *testing.T) {
	ctx, db := connect(t)
	ref := db.Doc("c/d")
	set(t, ref, M{"n": 1})
	must(t, db.RunTransaction(ctx, func(_ context.Context, tx *firestore.Transaction) error {
		for range 2 {
			snapshot, err := tx.Get(ref)
			if err != nil {
				return err
			}
			equal(t, snapshot.Data(), M{"n": int64(1)})
			set(t, ref, M{"n": 2})
		}
		return nil
	}, firestore.ReadOnly))
	equal(t, read(t, ref), M{"n": int64(2)})
}

func TestTransactionAtAReadTime(t *testing.T) {
	ctx, db := connect(t)
	ref := db.Doc("c/d")
	first := set(t, ref, M{"n": 1})
	set(t, ref, M{"n": 2})
	must(t, db.RunTransaction(ctx, func(_ context.Context, tx *firestore.Transaction) error {
		snapshot, err := tx.Get(ref)
		if err != nil {
			return err
		}
		equal(t, snapshot.Data(), M{"n": int64(1)})
		return nil
	}, firestore.ReadOnly, firestore.TransactionReadTime(first.UpdateTime)))
}

func TestARefusedWriteEndsTheTransactionAtOnce(t *testing.T) {
	ctx, db := connect(t)
	set(t, db.Doc("c/taken"), M{"n": 1})
	log, attempts := newRequests(t), 0
	err := db.RunTransaction(ctx, func(_ context.Context, tx *firestore.Transaction) error {
		attempts++
		if err := tx.Set(db.Doc("c/other"), M{"n": 1}); err != nil {
			return err
		}
		return tx.Create(db.Doc("c/taken"), M{"n": 2})
	})
	refused(t, err, codes.AlreadyExists)
	equal(t, attempts, 1)
	equal(t, log.codes(t, "Commit"), []string{"ALREADY_EXISTS"})
	equal(t, ids(t, db.Collection("c").Query), []string{"taken"})
}
