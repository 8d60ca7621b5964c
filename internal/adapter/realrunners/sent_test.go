package realrunners

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/adaptertest"
	"github.com/onward-sql/onward/internal/pgserver"
)

// parameter matches a parameter in the server's log.
var parameter = regexp.MustCompile(`(\$\d+) = ('(?:[^']|'')*'|NULL)`)

// sentStatements are the statements that a database got, as its server logged them, with their parameters.
func sentStatements(s *pgserver.Server, db string) []string {
	var out []string
	parameters := false
	for line := range strings.Lines(s.Log()) {
		line = strings.TrimSuffix(line, "\n")
		text, isMessage := strings.CutPrefix(line, "<"+db+">LOG:  ")
		detail, isDetail := strings.CutPrefix(line, "<"+db+">DETAIL:  ")
		more, isMore := strings.CutPrefix(line, "\t")
		switch {
		case isMessage:
			_, sql, isStatement := strings.Cut(text, ": ")
			if parameters = false; isStatement && (strings.HasPrefix(text, "statement: ") || strings.HasPrefix(text, "execute ")) {
				out = append(out, sql)
			}
		case isDetail:
			parameters = true
			for _, p := range parameter.FindAllStringSubmatch(detail, -1) {
				if long := map[string]string{"'t'": "'true'", "'f'": "'false'"}[p[2]]; long != "" {
					p[2] = long // the client sends the long word
				}
				out[len(out)-1] = regexp.MustCompile(regexp.QuoteMeta(p[1])+`\b`).ReplaceAllLiteralString(out[len(out)-1], p[2])
			}
		case isMore && len(out) > 0 && !parameters:
			out[len(out)-1] += "\n" + more
		}
	}
	return out
}

// ofTool matches what tools ask and set by themselves, and the ends of transactions.
var ofTool = regexp.MustCompile(`(?i)^(?:WITH ranges AS|SELECT t\.typname|SELECT pk\.constraint_type|` +
	`SELECT \* FROM information_schema\.|SET |SHOW |BEGIN|START TRANSACTION|COMMIT|ROLLBACK)`)

// compareSent runs a migration of testdata with its tool, and compares the statements between its marks with those that onward reads. others are
// further files of testdata, by their places.
func compareSent(t *testing.T, a adapter.Adapter, fixture, file string, run func([][2]string) []string, others ...[2]string) {
	t.Helper()
	s := server(t)
	db, _ := database(t, s)
	text, err := os.ReadFile(filepath.Join("testdata", fixture))
	if err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	tree := adaptertest.Files{file: text}
	for _, o := range others {
		if tree[o[1]], err = os.ReadFile(filepath.Join("testdata", o[0])); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range tree {
		write(t, root, map[string]string{name: string(text)})
	}
	failed := run([][2]string{{filepath.Join(root, filepath.Dir(file)), overTCP(t, s, db)}})[0]
	set, err := a.Load(t.Context(), tree, a.Detect(tree)[0])
	if err != nil || len(set.Migrations) != 1 {
		t.Fatalf("load %s: %v; it reads %+v, want one migration", file, err, set)
	}
	if opaque := set.Migrations[0].Opaque; len(opaque) > 0 {
		t.Fatalf("load %s: opaque %+v, want none", file, opaque)
	}
	var sent, read []string
	between := false
	for _, sql := range sentStatements(s, db) {
		sql = strings.TrimSuffix(strings.TrimSpace(sql), ";")
		if begins := strings.EqualFold(sql, "select 'begin'"); begins || between {
			between = !strings.EqualFold(sql, "select 'end'")
			if !ofTool.MatchString(sql) {
				sent = append(sent, sql)
			}
		}
	}
	for _, p := range set.Migrations[0].Source.Parts {
		read = append(read, strings.TrimSuffix(strings.TrimSpace(p.SQL), ";"))
	}
	if diff := cmp.Diff(sent, read); diff != "" || failed != "" || len(read) < 3 {
		t.Errorf("%s\n(-tool +onward):\n%s", failed, diff)
	}
	t.Logf("%d statements", len(read))
}
