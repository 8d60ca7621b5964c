package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAsk(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/moved":
			http.Redirect(w, r, "/here", http.StatusFound)
		case "/here":
		case "/private":
			w.WriteHeader(http.StatusForbidden)
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	closedServer := httptest.NewServer(nil)
	closedServer.Close()
	t.Cleanup(server.Close)
	page := filepath.Join(t.TempDir(), "a.md")
	text := "[a](" + server.URL + "/here#x) [a](" + server.URL + "/here#y)\n[b](" + server.URL + "/moved) <" + server.URL + "/private>\n" +
		"[c](" + server.URL + "/gone) [d](" + closedServer.URL + "/x) [e](other.md)\n"
	if err := os.WriteFile(page, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	places, err := collectAddresses([]string{page})
	if err != nil {
		t.Fatal(err)
	}
	if want := map[string]string{
		server.URL + "/here": page + ":1", server.URL + "/moved": page + ":2", server.URL + "/private": page + ":2",
		server.URL + "/gone": page + ":3", closedServer.URL + "/x": page + ":3",
	}; !cmp.Equal(want, places) {
		t.Errorf("collectAddresses (-want +got):\n%s", cmp.Diff(want, places))
	}
	var list []string
	for a := range places {
		list = append(list, a)
	}
	got := checkAddresses(server.Client(), list)
	if len(got) != 2 || got[server.URL+"/gone"] != "404 Not Found" || got[closedServer.URL+"/x"] == "" {
		t.Errorf("silent: %q", got)
	}
}
