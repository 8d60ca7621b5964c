// Command external requests each external address in the pages, and lists those that do not answer.
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
	places, err := collectAddresses(strings.Fields(string(out)))
	if err != nil {
		fmt.Fprintln(os.Stderr, "links:", err)
		os.Exit(3)
	}
	silent := checkAddresses(&http.Client{Timeout: 30 * time.Second}, slices.Sorted(maps.Keys(places)))
	for _, address := range slices.Sorted(maps.Keys(silent)) {
		fmt.Printf("%s: %s: %s\n", places[address], address, silent[address])
	}
	fmt.Printf("%d addresses, %d do not answer\n", len(places), len(silent))
	if len(silent) > 0 {
		os.Exit(1)
	}
}

// collectAddresses returns each address in some pages, without its anchor, and the first place that has it.
func collectAddresses(pages []string) (map[string]string, error) {
	out := map[string]string{}
	for _, page := range pages {
		data, err := os.ReadFile(page)
		if err != nil {
			return nil, err
		}
		for _, l := range site.FindLinks(string(data)) {
			address, _, _ := strings.Cut(l.Target, "#")
			if strings.HasPrefix(address, "http") && out[address] == "" {
				out[address] = fmt.Sprintf("%s:%d", page, l.Line)
			}
		}
	}
	return out, nil
}

// checkAddresses returns the addresses that do not answer, and why. It requests a few at a time.
func checkAddresses(client *http.Client, addresses []string) map[string]string {
	out := map[string]string{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	todo := make(chan string)
	for range 4 {
		wg.Go(func() {
			for address := range todo {
				if reason := checkAddress(client, address); reason != "" {
					mu.Lock()
					out[address] = reason
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

// checkAddress says why an address does not answer; "" if it does. A demand for authentication or fewer
// requests (401, 403, 429) is an answer.
func checkAddress(client *http.Client, address string) string {
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
	_, _ = io.CopyN(io.Discard, resp.Body, 64<<10) // the content does not matter
	switch code := resp.StatusCode; {
	case code < 400, code == http.StatusUnauthorized, code == http.StatusForbidden, code == http.StatusTooManyRequests:
		return ""
	default:
		return resp.Status
	}
}
