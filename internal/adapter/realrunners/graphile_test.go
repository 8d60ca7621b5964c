package realrunners

import (
	"crypto/sha1" //nolint:gosec // the tool's own checksum
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// hashGraphile returns graphile-migrate's checksum of a file, with the one of the file before it.
func hashGraphile(previous, body string) string {
	sum := sha1.Sum([]byte(strings.TrimSpace(strings.TrimPrefix(previous, "-")+"\n"+strings.TrimSpace(body)) + "\n")) //nolint:gosec // the tool's own
	return "sha1:" + hex.EncodeToString(sum[:])
}

// committedFile returns the text of a file that graphile-migrate has committed.
func committedFile(previous, body string) string {
	return "--! Previous: " + previous + "\n--! Hash: " + hashGraphile(previous, body) + "\n\n" + body
}

// TestGraphileOnServer compares onward's findings with what graphile-migrate does.
func TestGraphileOnServer(t *testing.T) {
	t.Parallel()
	program := filepath.Join(installed(t, "graphile-migrate"), "node_modules/.bin/graphile-migrate")
	const first, second = "migrations/committed/000001.sql", "migrations/committed/000002.sql"
	const one = "CREATE TABLE a (id int);\n"
	base := map[string]string{".gmrc": "{}", first: committedFile("-", one), "migrations/current.sql": ""}
	with := func(text, fails string) releaseCase {
		return releaseCase{base, map[string]string{second: committedFile(hashGraphile("-", one), text)}, fails}
	}
	exercise(t, ".", table, map[string]releaseCase{
		"a transaction":         with(concurrently, inBlock),
		"without a transaction": with("--! no-transaction\n"+concurrently, ""),
		"in one message":        with("--! no-transaction\nSELECT 1;\n"+concurrently, inBlock),
		"another hash": {base, map[string]string{
			second: strings.Replace(committedFile(hashGraphile("-", one), "SELECT 1;\n"), "SELECT 1", "SELECT 2", 1),
		}, "does not match"},
		"another order": {base, map[string]string{second: committedFile("sha1:0", "SELECT 1;\n")}, "expected previous hash"},
		"edited":        {base, map[string]string{first: base[first] + "SELECT 1;\n"}, ""},
	}, perRun(t, func(dir, url string) *exec.Cmd {
		cmd := exec.CommandContext(t.Context(), program, "migrate", "--config", ".gmrc")
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "DATABASE_URL="+url)
		return cmd
	}))
}
