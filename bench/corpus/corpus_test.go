package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/internal/pgparse"
)

// history is the first files of a corpus, with the schema before them.
func history(seed uint64, files int) (before string, names, texts []string) {
	g := newGenerator(seed)
	before = g.generateBaseSchema()
	for i := range files {
		name, text := g.nextMigration(i + 1)
		names, texts = append(names, name), append(texts, text)
	}
	return before, names, texts
}

func TestSameSeedSameCorpus(t *testing.T) {
	t.Parallel()
	before, names, texts := history(7, 300)
	sameHistory, sameNames, sameTexts := history(7, 300)
	if diff := cmp.Diff([]any{before, names, texts}, []any{sameHistory, sameNames, sameTexts}); diff != "" {
		t.Errorf("the second time differs:\n%s", diff)
	}
	if _, _, other := history(8, 300); cmp.Equal(texts, other) {
		t.Error("another seed gives the same files")
	}
	if _, _, longer := history(7, 400); !cmp.Equal(texts, longer[:300]) {
		t.Error("a longer corpus does not begin with the shorter one")
	}
}

func TestCorpusIsLikeRealOnes(t *testing.T) {
	t.Parallel()
	before, names, texts := history(1, 2000)
	parse(t, "before", before)
	kinds, statements, bytes := map[string]int{}, 0, 0
	for i, text := range texts {
		statements += parse(t, names[i], text)
		bytes += len(text)
		kinds[strings.Split(names[i], "_")[1]]++
	}
	if mean := bytes / len(texts); mean < 1000 || mean > 1500 {
		t.Errorf("a file has %d bytes on average", mean)
	}
	if mean := float64(statements) / float64(len(texts)); mean < 3 || mean > 8 {
		t.Errorf("a file has %.1f statements on average", mean)
	}
	for _, kind := range strings.Fields("create alter widen index data seed function do") {
		if kinds[kind] < 40 {
			t.Errorf("only %d of %d files begin with %s", kinds[kind], len(texts), kind)
		}
	}
}

// parse counts the statements of a text, all of which must parse.
func parse(t *testing.T, name, text string) int {
	t.Helper()
	file, err := pgparse.SplitText(text)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range file.Stmts {
		if s.Err != nil {
			t.Fatalf("%s: %v in\n%s", name, s.Err, text[s.Start:s.End])
		}
	}
	return len(file.Stmts)
}

func TestWrite(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	out, before := filepath.Join(dir, "new", "corpus"), filepath.Join(dir, "before.sql")
	if err := writeCorpus(out, before, 12, 1); err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(out)
	if err != nil || len(files) != 12 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	_, names, texts := history(1, 12)
	for i, file := range files {
		text, err := os.ReadFile(filepath.Join(out, file.Name()))
		if err != nil || file.Name() != names[i] || string(text) != texts[i] {
			t.Errorf("%s is not file %d of the history (%v)", file.Name(), i, err)
		}
	}
	if text, err := os.ReadFile(before); err != nil || !strings.Contains(string(text), "CREATE TABLE") {
		t.Errorf("no schema before: %v", err)
	}
}
