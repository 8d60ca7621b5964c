package main

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/onward-sql/onward/internal/report/markdown"
)

// github plays the API of comments.
type github struct {
	mu       sync.Mutex
	comments map[int]string
	next     int
	readOnly bool
	// people wrote the comments with these numbers, the workflow all others. self is whom the token says that it is
	// of; "" for a workflow's, which may not ask.
	people map[int]string
	self   string
	writes int
	// artifact is what the run 99 left, nil for nothing; claimed is the size that the list of artifacts has for it.
	artifact []byte
	claimed  int
	// head, fork and state belong to pull request 7.
	head, fork, state string
	// blob is the address of another host, which keeps artifacts.
	blob string
}

func (g *github) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if r.Header.Get("Authorization") != "Bearer hunter2" {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	if r.Method != http.MethodGet {
		g.writes++
		if g.readOnly {
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprint(w, `{"message": "Resource not accessible by integration"}`)
			return
		}
	}
	var sent struct{ Body string }
	if r.Method == http.MethodPost || r.Method == http.MethodPatch {
		if err := json.NewDecoder(r.Body).Decode(&sent); err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
	}
	commentID, isComment := strings.CutPrefix(r.URL.Path, "/repos/o/r/issues/comments/")
	id, _ := strconv.Atoi(commentID)
	switch {
	case isComment && r.Method == http.MethodPatch && g.comments[id] != "":
		g.comments[id] = sent.Body
	case isComment && r.Method == http.MethodDelete && g.comments[id] != "":
		delete(g.comments, id)
	case r.URL.Path == "/repos/o/r/issues/7/comments" && r.Method == http.MethodPost:
		g.next++
		g.comments[g.next] = sent.Body
		if g.self != "" {
			g.people[g.next] = g.self
		}
		w.WriteHeader(http.StatusCreated)
	case r.URL.Path == "/repos/o/r/issues/7/comments":
		page, _ := strconv.Atoi(r.URL.Query().Get("page"))
		list := []map[string]any{}
		for i := (page-1)*100 + 1; i <= min(g.next, page*100); i++ {
			user := map[string]string{"login": "github-actions[bot]", "type": "Bot"}
			if g.people[i] != "" {
				user = map[string]string{"login": g.people[i], "type": "User"}
			}
			list = append(list, map[string]any{"id": i, "body": g.comments[i], "user": user})
		}
		_ = json.NewEncoder(w).Encode(list)
	case r.URL.Path == "/user" && g.self != "":
		_ = json.NewEncoder(w).Encode(map[string]string{"login": g.self, "type": "User"})
	case r.URL.Path == "/repos/o/r/actions/runs/99/artifacts":
		list := []map[string]any{{"id": 4, "name": "another", "size_in_bytes": 1}}
		if g.artifact != nil {
			list = append(list, map[string]any{"id": 5, "name": "onward", "size_in_bytes": g.claimed})
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"artifacts": list})
	case r.URL.Path == "/repos/o/r/actions/artifacts/5/zip":
		http.Redirect(w, r, g.blob, http.StatusFound)
	case r.URL.Path == "/repos/o/r/pulls/7" || r.URL.Path == "/repos/o/r/pulls/8":
		number, _ := strconv.Atoi(r.URL.Path[len(r.URL.Path)-1:])
		head := g.head
		if number == 8 {
			head = strings.Repeat("b", 40)
		}
		_ = json.NewEncoder(w).Encode(map[string]any{
			"number": number, "state": g.state, "head": map[string]any{"sha": head, "repo": map[string]any{"full_name": g.fork}},
			"base": map[string]any{"repo": map[string]any{"full_name": "o/r"}},
		})
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

// serve begins to serve the API and the host that keeps artifacts, which must not see the token.
func (g *github) serve(t *testing.T) *httptest.Server {
	t.Helper()
	blobs := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" {
			t.Error("the host of the artifacts sees the token")
		}
		g.mu.Lock()
		defer g.mu.Unlock()
		_, _ = w.Write(g.artifact)
	}))
	t.Cleanup(blobs.Close)
	g.blob = blobs.URL
	server := httptest.NewServer(g)
	t.Cleanup(server.Close)
	return server
}

// leave makes an artifact of files the one that the run left.
func (g *github) leave(t *testing.T, files map[string]string) {
	t.Helper()
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for name, text := range files {
		f, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.artifact, g.claimed = out.Bytes(), out.Len()
}

// ours are the comments of onward, by their numbers.
func (g *github) ours() (ids []int) {
	for i := 1; i <= g.next; i++ {
		if g.people[i] == g.self && strings.HasPrefix(g.comments[i], markdown.Marker) {
			ids = append(ids, i)
		}
	}
	return ids
}
