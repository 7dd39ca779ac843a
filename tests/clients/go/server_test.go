package clients

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// server is one of the test's own, stopped with it; its data outlives a restart.
type server struct {
	folder  string
	port    int
	flags   []string
	process *exec.Cmd
}

// serve starts a server with the flags. Clients made from now on, in this test, are clients of it.
func serve(t *testing.T, flags ...string) *server {
	t.Helper()
	s := &server{folder: t.TempDir(), flags: flags}
	s.start(t)
	t.Setenv("FIRESTORE_EMULATOR_HOST", s.host())
	t.Cleanup(func() { s.stop(t) })
	return s
}

func (s *server) host() string { return fmt.Sprintf("127.0.0.1:%d", s.port) }

func (s *server) start(t *testing.T) {
	t.Helper()
	portFile := filepath.Join(s.folder, "port")
	arguments := []string{"serve", "--port", strconv.Itoa(s.port), "--port-file", portFile, "--data", filepath.Join(s.folder, "data")}
	s.process = exec.Command(os.Getenv("EMULATOR_BINARY"), append(arguments, s.flags...)...)
	s.process.Stderr = os.Stderr
	must(t, s.process.Start())
	for s.process.ProcessState == nil {
		text, _ := os.ReadFile(portFile)
		if port, err := strconv.Atoi(string(bytes.TrimSpace(text))); err == nil {
			s.port = port
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func (s *server) stop(t *testing.T) {
	t.Helper()
	must(t, s.process.Process.Signal(syscall.SIGTERM))
	must(t, s.process.Wait()) // it took its port file away
}

// asUser gives flags: clients are ann, and may do what these matches of rules let her.
func asUser(t *testing.T, body string) []string {
	t.Helper()
	text := "rules_version = '2';\nservice cloud.firestore { match /databases/{d}/documents {\n" + body + "\n} }\n"
	return []string{"--rules", write(t, "firestore.rules", text), "--owner-as", write(t, "ann.json", `{"uid": "ann"}`)}
}

func write(t *testing.T, name, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	must(t, os.WriteFile(file, []byte(text), 0o600))
	return file
}

// metrics gives what /metrics says.
func (s *server) metrics(t *testing.T) string {
	t.Helper()
	answer, err := http.Get("http://" + s.host() + "/metrics")
	must(t, err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	must(t, err)
	return string(text)
}
