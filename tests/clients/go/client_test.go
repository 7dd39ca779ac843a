// The official Go client, unmodified, against the ambient emulator (FIRESTORE_EMULATOR_HOST); its requests are counted
// in the server's own log (REQUEST_LOG).
package clients

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand"
	"net/http"
	"os"
	"reflect"
	"strings"
	"testing"

	"cloud.google.com/go/firestore"
	"google.golang.org/api/iterator"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// M is a document as the client returns it.
type M = map[string]any

// connect gives a client on a project of its own.
func connect(t *testing.T) (context.Context, *firestore.Client) {
	t.Helper()
	ctx := t.Context()
	db, err := firestore.NewClient(ctx, fmt.Sprintf("test-%x", rand.Uint64()))
	must(t, err)
	t.Cleanup(func() { db.Close() })
	return ctx, db
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func equal(t *testing.T, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("got  %#v\nwant %#v", got, want)
	}
}

// refused checks the code that an error carries.
func refused(t *testing.T, err error, want codes.Code) {
	t.Helper()
	if status.Code(err) != want {
		t.Fatalf("got %v, want %v", err, want)
	}
}

func set(t *testing.T, ref *firestore.DocumentRef, data any, options ...firestore.SetOption) *firestore.WriteResult {
	t.Helper()
	result, err := ref.Set(t.Context(), data, options...)
	must(t, err)
	return result
}

func read(t *testing.T, ref *firestore.DocumentRef) M {
	t.Helper()
	snapshot, err := ref.Get(t.Context())
	must(t, err)
	return snapshot.Data()
}

// fill writes the documents in one batch.
func fill(t *testing.T, ctx context.Context, db *firestore.Client, documents map[string]any) {
	t.Helper()
	must(t, db.RunTransaction(ctx, func(_ context.Context, tx *firestore.Transaction) error {
		for path, data := range documents {
			if err := tx.Set(db.Doc(path), data); err != nil {
				return err
			}
		}
		return nil
	}))
}

// queryer is a Query or a VectorQuery.
type queryer interface {
	Documents(context.Context) *firestore.DocumentIterator
}

func documents(t *testing.T, q queryer) []*firestore.DocumentSnapshot {
	t.Helper()
	snapshots, err := q.Documents(t.Context()).GetAll()
	must(t, err)
	return snapshots
}

func ids(t *testing.T, q queryer) []string {
	t.Helper()
	found := []string{}
	for _, s := range documents(t, q) {
		found = append(found, s.Ref.ID)
	}
	return found
}

// all reads an iterator of the client to its end, naming each item.
func all[T any](t *testing.T, next func() (T, error), name func(T) string) []string {
	t.Helper()
	names := []string{}
	for {
		item, err := next()
		if err == iterator.Done {
			return names
		}
		must(t, err)
		names = append(names, name(item))
	}
}

// requests reads what is new in the server's request log since it was made: rpc and code of each call.
type requests struct {
	seen int64
}

func newRequests(t *testing.T) *requests {
	t.Helper()
	flush(t)
	info, err := os.Stat(os.Getenv("REQUEST_LOG"))
	must(t, err)
	return &requests{seen: info.Size()}
}

// flush waits until all that has been answered is in the log: lines of reads come after their answers, but before the
// answer of a later write.
func flush(t *testing.T) {
	t.Helper()
	url := "http://" + os.Getenv("FIRESTORE_EMULATOR_HOST") + "/v1/projects/marker/databases/(default)/documents/marker"
	request, err := http.NewRequest("POST", url, strings.NewReader("{}"))
	must(t, err)
	request.Header.Set("authorization", "Bearer owner")
	request.Header.Set("content-type", "application/json")
	answer, err := http.DefaultClient.Do(request)
	must(t, err)
	must(t, answer.Body.Close())
}

// codes gives the codes answered to calls of the RPC since the last look at the log.
func (r *requests) codes(t *testing.T, rpc string) []string {
	t.Helper()
	flush(t)
	file, err := os.Open(os.Getenv("REQUEST_LOG"))
	must(t, err)
	defer file.Close()
	_, err = file.Seek(r.seen, io.SeekStart)
	must(t, err)
	answered := []string{}
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		r.seen += int64(len(lines.Bytes())) + 1
		var call struct{ RPC, Code string }
		must(t, json.Unmarshal(lines.Bytes(), &call))
		if call.RPC == rpc {
			answered = append(answered, call.Code)
		}
	}
	must(t, lines.Err())
	return answered
}
