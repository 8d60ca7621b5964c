// Command external asks each address that the pages lead to, and lists those that do not answer.
// It needs the network, and so it is no test. It runs at the repository's root.
package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/onward-sql/onward/internal/site"
)

func main() {
	out, err := exec.Command("git", "ls-files", "*.md", ":!:*testdata*").Output()
	if err != nil {
		fmt.Fprintln(os.Stderr, "links: git ls-files:", err)
		os.Exit(3)
	}
	places, err := addresses(strings.Fields(string(out)))
	if err != nil {
		fmt.Fprintln(os.Stderr, "links:", err)
		os.Exit(3)
	}
	silent := ask(&http.Client{Timeout: 30 * time.Second}, slices.Sorted(maps.Keys(places)))
	for _, address := range slices.Sorted(maps.Keys(silent)) {
		fmt.Printf("%s: %s: %s\n", places[address], address, silent[address])
	}
	fmt.Printf("%d addresses, %d do not answer\n", len(places), len(silent))
	if len(silent) > 0 {
		os.Exit(1)
	}
}

// addresses gives each address in some pages, without its anchor, and the first place where it stands.
func addresses(pages []string) (map[string]string, error) {
	out := map[string]string{}
	for _, page := range pages {
		data, err := os.ReadFile(page)
		if err != nil {
			return nil, err
		}
		for _, l := range site.Links(string(data)) {
			address, _, _ := strings.Cut(l.Target, "#")
			if strings.HasPrefix(address, "http") && out[address] == "" {
				out[address] = fmt.Sprintf("%s:%d", page, l.Line)
			}
		}
	}
	return out, nil
}

// ask gives the addresses that do not answer, and why. A few are asked at a time.
func ask(client *http.Client, addresses []string) map[string]string {
	out := map[string]string{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	todo := make(chan string)
	for range 4 {
		wg.Go(func() {
			for address := range todo {
				if why := get(client, address); why != "" {
					mu.Lock()
					out[address] = why
					mu.Unlock()
				}
			}
		})
	}
	for _, address := range addresses {
		todo <- address
	}
	close(todo)
	wg.Wait()
	return out
}

// get says why an address does not answer; "" where it does. That a host wants to know who asks
// (401, 403, 429) is an answer.
func get(client *http.Client, address string) string {
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, address, http.NoBody)
	if err != nil {
		return err.Error()
	}
	req.Header.Set("User-Agent", "onward-links")
	resp, err := client.Do(req)
	if err != nil {
		return err.Error()
	}
	defer resp.Body.Close()
	_, _ = io.CopyN(io.Discard, resp.Body, 64<<10) // what the page says does not count
	switch code := resp.StatusCode; {
	case code < 400, code == http.StatusUnauthorized, code == http.StatusForbidden, code == http.StatusTooManyRequests:
		return ""
	default:
		return resp.Status
	}
}
