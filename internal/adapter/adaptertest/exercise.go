// Package adaptertest holds adapters to their contract.
package adaptertest

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/history"
	"github.com/onward-sql/onward/onward"
)

var update = flag.Bool("update", false, "write the .want files anew")

// SameRenderer compares renderers by presence only: a framework has one, and the
// functions in it cannot be compared.
var SameRenderer = cmp.Options{
	cmp.Comparer(func(a, b *history.Renderer) bool { return a == b }),
	// A Count consists of functions, which cannot be compared, so its table is compared.
	cmp.Comparer(func(a, b *adapter.Count) bool { return a == b || a != nil && b != nil && a.Table == b.Table }),
	cmp.Comparer(func(a, b func() []adapter.Beyond) bool { return (a == nil) == (b == nil) }),
	cmp.Comparer(func(a, b func(m *adapter.Migration) string) bool { return (a == nil) == (b == nil) }),
}

// Exercise runs an adapter on the project in dir, which it must detect. It compares the
// result with dir.want (-update writes it). Then it damages the project in every likely
// way, and nothing but the damaged file may change.
//
// In the project, every down migration contains the word way_down, and no up migration
// does.
func Exercise(t *testing.T, a adapter.Adapter, dir string) {
	t.Helper()
	tree := Disk(t, dir)
	source := detectSingleSource(t, a, tree)
	set := loadSource(t, a, tree, source)

	compareDescription(t, dir, set)
	t.Run("contract", func(t *testing.T) {
		t.Parallel()
		checkSetInvariants(t, tree, set)
	})
	t.Run("twice", func(t *testing.T) {
		t.Parallel()
		if diff := cmp.Diff(set, loadSource(t, a, tree, source), SameRenderer); diff != "" {
			t.Errorf("loaded twice, it differs:\n%s", diff)
		}
	})
	t.Run("nothing there", func(t *testing.T) {
		t.Parallel()
		if got := a.Detect(Files{}); len(got) > 0 {
			t.Errorf("detected in an empty tree: %v", got)
		}
		got := loadSource(t, a, Files{}, adapter.Source{Framework: a.Name(), Dir: source.Dir})
		if len(got.Migrations) > 0 {
			t.Errorf("%d migrations in an empty tree", len(got.Migrations))
		}
	})
	t.Run("damage", func(t *testing.T) {
		t.Parallel()
		testDamagedFiles(t, a, source, tree, set)
	})
}

// Compare runs an adapter on the project in dir as Exercise does, without damage. It is for adapters of which several migrations share a
// file.
func Compare(t *testing.T, a adapter.Adapter, dir string) {
	t.Helper()
	tree := Disk(t, dir)
	set := LoadOnly(t, a, tree)
	compareDescription(t, dir, set)
	checkSetInvariants(t, tree, set)
}

// compareDescription compares what was loaded with dir.want.
func compareDescription(t *testing.T, dir string, set *adapter.Set) {
	t.Run("want", func(t *testing.T) {
		t.Parallel()
		CompareFile(t, dir+".want", Describe(set))
	})
}

// CompareFile compares a text with a file (-update writes it).
func CompareFile(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

func detectSingleSource(t *testing.T, a adapter.Adapter, tree adapter.Tree) adapter.Source {
	t.Helper()
	sources := a.Detect(tree)
	if len(sources) != 1 {
		t.Fatalf("%d sources detected, want 1: %+v", len(sources), sources)
	}
	s := sources[0]
	if s.Framework != a.Name() || s.Score < 1 || s.Score > 3 || s.Why == "" {
		t.Fatalf("source %+v: framework, score and why must be set", s)
	}
	return s
}

// LoadOnly reads the only source of a tree.
func LoadOnly(t *testing.T, a adapter.Adapter, tree adapter.Tree) *adapter.Set {
	t.Helper()
	return loadSource(t, a, tree, detectSingleSource(t, a, tree))
}

func loadSource(t *testing.T, a adapter.Adapter, tree adapter.Tree, s adapter.Source) *adapter.Set {
	t.Helper()
	set, err := a.Load(context.Background(), tree, s)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// Describe prints what an adapter loaded from a project, line by line.
func Describe(set *adapter.Set) string {
	var b strings.Builder
	for _, m := range set.Migrations {
		fmt.Fprintf(&b, "%s version=%s path=%s mode=%s rerun=%t", m.ID, m.Version, m.Path, m.Source.Mode, m.Runner.Rerun)
		if m.DownPath != "" {
			fmt.Fprintf(&b, " down=%s", m.DownPath)
		}
		if m.Repeatable {
			b.WriteString(" repeatable")
		}
		b.WriteByte('\n')
		for _, p := range m.Source.Parts {
			kind := "part"
			if p.Message {
				kind = "message"
			}
			fmt.Fprintf(&b, "\t%s at %d: %q\n", kind, p.Start, p.SQL)
		}
		for _, p := range m.Problems {
			fmt.Fprintf(&b, "\trefused %d:%d: %s: %s\n", p.Line, p.Column, p.Message, p.Harm)
		}
		writeOpaque(&b, "\t", m.Opaque)
		if m.Failed != "" {
			fmt.Fprintf(&b, "\tfailed: %s\n", m.Failed)
		}
	}
	for _, h := range set.History {
		fmt.Fprintf(&b, "history %s: %s and %s: %s\n", h.Kind, h.Migration, h.Other, h.Detail)
	}
	for _, p := range set.Problems {
		fmt.Fprintf(&b, "refused %s: %s: %s\n", p.Path, p.Message, p.Harm)
	}
	writeOpaque(&b, "", set.Opaque)
	return b.String()
}

func writeOpaque(b *strings.Builder, indent string, list []onward.Opaque) {
	for _, o := range list {
		fmt.Fprintf(b, "%sopaque %s:%d: %s (failed: %t)\n", indent, o.Path, o.Line, o.What, o.Failed)
	}
}

func checkSetInvariants(t *testing.T, tree adapter.Tree, set *adapter.Set) {
	ids := map[string]bool{}
	hashes := map[string]string{}
	for _, m := range set.Migrations {
		if ids[m.ID] {
			t.Errorf("two migrations are called %s", m.ID)
		}
		ids[m.ID] = true
		if m.Framework != set.Source.Framework {
			t.Errorf("%s: framework %q", m.ID, m.Framework)
		}
		if m.Failed != "" {
			continue
		}
		switch m.Source.Mode {
		case onward.TransactionFile, onward.TransactionMessage, onward.TransactionPipeline, onward.TransactionNone:
		default:
			t.Errorf("%s: transaction %q", m.ID, m.Source.Mode)
		}
		if m.Source.LineComment == "" || m.Hash == "" {
			t.Errorf("%s: line comment %q, hash %q", m.ID, m.Source.LineComment, m.Hash)
		}
		if other := hashes[m.Hash]; other != "" {
			t.Errorf("%s and %s differ and have one hash", other, m.ID)
		}
		hashes[m.Hash] = m.ID
		end := 0
		for _, p := range m.Source.Parts {
			if p.Start >= 0 && (p.Start < end || !strings.HasPrefix(m.Source.Text[p.Start:], p.SQL)) {
				t.Errorf("%s: part at %d is not the text there, or out of order: %q", m.ID, p.Start, p.SQL)
			}
			if p.Start >= 0 {
				end = max(end, p.Start+len(p.SQL))
			}
			if strings.Contains(p.SQL, "way_down") {
				t.Errorf("%s: the down migration is read as an up migration: %q", m.ID, p.SQL)
			}
		}
	}
	downs := 0
	for _, p := range tree.Paths() {
		if content, err := tree.Read(p); err == nil && strings.Contains(string(content), "way_down") {
			downs++
		}
	}
	if downs == 0 {
		t.Error("the project has no down migration (a text with way_down), so nothing was shown")
	}
}

// damages are changes of files. reported is set if a report must follow.
var damages = []struct {
	name string
	to   func(content []byte) []byte
}{
	{"unreadable", func([]byte) []byte { return nil }},
	{"UTF-16", func([]byte) []byte { return []byte{0xff, 0xfe, 'S', 0} }},
	{"not UTF-8", func(c []byte) []byte { return append([]byte("-- caf\xe9\n"), c...) }},
	{"33 MB", func([]byte) []byte { return make([]byte, 33<<20) }},
}

func testDamagedFiles(t *testing.T, a adapter.Adapter, s adapter.Source, tree adapter.Tree, set *adapter.Set) {
	whole := Files{}
	for _, p := range tree.Paths() {
		content, err := tree.Read(p)
		if err != nil {
			t.Fatal(err)
		}
		whole[p] = content
	}
	tested := false
	for i, m := range set.Migrations {
		if !strings.HasSuffix(m.Path, ".sql") {
			continue
		}
		tested = true
		x := damagedMigration{a, s, set, whole, i}
		x.testUnreadableFile(t)
		x.testUnusualName(t)
		x.testCRLF(t)
	}
	if !tested {
		t.Log("no SQL files to damage")
	}
}

// damagedMigration is the i-th migration of a project, which is changed in a copy of all files.
type damagedMigration struct {
	a     adapter.Adapter
	s     adapter.Source
	set   *adapter.Set
	whole Files
	i     int
}

// testUnreadableFile checks that a file that cannot be read is reported, and that all other files
// load as before.
func (x damagedMigration) testUnreadableFile(t *testing.T) {
	m := x.set.Migrations[x.i]
	for _, d := range damages {
		files := maps.Clone(x.whole)
		files[m.Path] = d.to(x.whole[m.Path])
		got := loadSource(t, x.a, files, x.s)
		if len(got.Migrations) != len(x.set.Migrations) {
			t.Fatalf("%s %s: %d migrations, want %d", m.Path, d.name, len(got.Migrations), len(x.set.Migrations))
		}
		for j, other := range got.Migrations {
			if j != x.i {
				if diff := cmp.Diff(x.set.Migrations[j], other, SameRenderer); diff != "" {
					t.Errorf("%s %s changes %s:\n%s", m.Path, d.name, other.ID, diff)
				}
				continue
			}
			failed := other.Failed != ""
			for _, o := range other.Opaque {
				failed = failed || o.Failed
			}
			if !failed {
				t.Errorf("%s %s: not reported", m.Path, d.name)
			}
		}
	}
}

// testUnusualName checks that a name may have blanks and letters of another script.
func (x damagedMigration) testUnusualName(t *testing.T) {
	m := x.set.Migrations[x.i]
	if slash, word := strings.LastIndexByte(m.Path, '/'), strings.LastIndexByte(m.Path, '_'); word > slash && m.DownPath == "" {
		name := m.Path[slash+1:word] + "_größe und 価格 " + m.Path[word+1:]
		files := maps.Clone(x.whole)
		delete(files, m.Path)
		files[m.Path[:slash+1]+name] = x.whole[m.Path]
		got := loadSource(t, x.a, files, x.s)
		if len(got.Migrations) != len(x.set.Migrations) {
			t.Errorf("%s called %s: %d migrations, want %d", m.Path, name, len(got.Migrations), len(x.set.Migrations))
			return
		}
		found := false
		for _, g := range got.Migrations {
			found = found || g.Path == m.Path[:slash+1]+name && g.Hash == m.Hash
		}
		if !found {
			t.Errorf("%s called %s: not found with the same hash", m.Path, name)
		}
	}
}

// testCRLF checks that CRLF changes nothing but the text.
func (x damagedMigration) testCRLF(t *testing.T) {
	m := x.set.Migrations[x.i]
	files := maps.Clone(x.whole)
	files[m.Path] = []byte(strings.ReplaceAll(string(x.whole[m.Path]), "\n", "\r\n"))
	got := loadSource(t, x.a, files, x.s)
	g := got.Migrations[x.i]
	if len(g.Source.Parts) != len(m.Source.Parts) || g.Source.Mode != m.Source.Mode || len(g.Problems) != len(m.Problems) {
		t.Errorf("%s with CRLF: %d parts in mode %s with %d problems, want %d, %s, %d", m.Path,
			len(g.Source.Parts), g.Source.Mode, len(g.Problems), len(m.Source.Parts), m.Source.Mode, len(m.Problems))
	}
}

// DescribeProgram prints what an adapter read of a migration that is a program, line by line: statements, with what is known of when they run, and the
// calls that are not judged.
func DescribeProgram(m *adapter.Migration, program string) string {
	var out []string
	for _, p := range m.Source.Parts {
		line := p.Line
		if p.Start >= 0 {
			line = 1 + strings.Count(program[:p.Start], "\n")
		}
		text := fmt.Sprintf("%d %s", line, p.SQL)
		for _, word := range []struct {
			text string
			set  bool
		}{{" sometimes", p.Conditional}, {" loop", p.Loop}, {" needs " + strings.Join(p.Needs, ", "), len(p.Needs) > 0}, {" block", p.Block > 0}} {
			if word.set {
				text += word.text
			}
		}
		out = append(out, text)
	}
	for _, o := range m.Opaque {
		out = append(out, fmt.Sprintf("%d %s: %s", o.Line, o.What, o.Why))
	}
	return strings.Join(out, "\n")
}
