package yoyo_test

import (
	"strings"
	"testing"
	"time"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/adaptertest"
	"github.com/onward-sql/onward/internal/adapter/yoyo"
)

// Programs are recognized by their import, SQL files by yoyo.ini, which also says for which database they are.
func TestDetect(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		tree adaptertest.Files
		want string
	}{
		"programs":       {adaptertest.Files{"db/0001_a.py": []byte("from yoyo import step\nstep('SELECT 1')\n"), "db/__init__.py": nil}, "db"},
		"SQL":            {adaptertest.Files{"app/yoyo.ini": []byte("[DEFAULT]\nsources = ./db lib\n"), "app/db/1_a.sql": nil, "app/lib/1_b.sql": nil}, "app/db app/lib"},
		"another":        {adaptertest.Files{"yoyo.ini": []byte("database = mysql://u@h/d\nsources = db\n"), "db/1_a.sql": nil}, "db (MySQL)"},
		"a library":      {adaptertest.Files{"app/db.py": []byte("import yoyo\n"), "app/a.py": nil, "app/b.py": nil}, ""},
		"django":         {adaptertest.Files{"migrations/0001_a.py": []byte("from django.db import migrations\n")}, ""},
		"not a yoyo.ini": {adaptertest.Files{"setup.cfg": []byte("sources = db\n"), "db/1_a.sql": nil}, ""},
	} {
		var got []string
		for _, s := range yoyo.Adapter.Detect(c.tree) {
			text := s.Dir
			if s.Foreign != "" {
				text += " (" + s.Foreign + ")"
			}
			got = append(got, text)
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// A dependency that is missing, or on itself, is refused.
func TestDependencies(t *testing.T) {
	t.Parallel()
	set, err := yoyo.Adapter.Load(t.Context(), adaptertest.Files{
		"db/1_a.sql": []byte("-- depends: 3_c\nSELECT 1;\n"), "db/2_b.sql": []byte("-- depends: 9_z\nSELECT 1;\n"), "db/3_c.sql": []byte("SELECT 1;\n"),
		"db/4_d.sql": []byte("-- depends: 5_e\nSELECT 1;\n"), "db/5_e.sql": []byte("-- depends: 4_d\nSELECT 1;\n"),
	}, adapter.Source{Framework: "yoyo", Dir: "db"})
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	for _, m := range set.Migrations {
		got.WriteString(m.ID + " ")
		for _, p := range m.Problems {
			got.WriteString("(" + p.Message + ") ")
		}
	}
	const want = "2_b (there is no migration 9_z) 3_c 1_a 4_d (it depends on itself) 5_e (it depends on itself) "
	if got.String() != want {
		t.Errorf("%q, want %q", got.String(), want)
	}
}

// A stranger's program takes time in proportion to its size.
func TestHostile(t *testing.T) {
	t.Parallel()
	const size = 256 << 10 // 5 MB took at most 8 s
	for name, piece := range map[string]string{
		"brackets": "step(", "lists": "[", "closed": "step((((((((((((((((((((((('x')))))))))))))))))))))))\n", "strings": "'a' ", "quotes": "'", "triples": `"""`,
		"steps": "step('SELECT 1')\n", "constants": "A = 'x'\nB = A + A\n", "plus": "step('a' + 'b' + 'c')\n", "one step": "'a' + ",
		"large constants": "step(L + L)\n", "backslashes": "\\\n", "lines": "\n \n\t", "depends": "__depends__ = {'a'}\n", "comments": "#",
	} {
		text := "from yoyo import step\nstep(" + strings.Repeat(piece, size/len(piece))
		if strings.HasSuffix(piece, "\n") {
			text = "from yoyo import step\nL = '" + strings.Repeat("x", 1<<16) + "'\n" + strings.Repeat(piece, size/len(piece))
		}
		began := time.Now()
		_, err := yoyo.Adapter.Load(t.Context(), adaptertest.Files{"db/1_a.py": []byte(text)}, adapter.Source{Framework: "yoyo", Dir: "db"})
		if took := time.Since(began); err != nil || took > 5*time.Second {
			t.Errorf("%s: it took %v, want at most 5s (%v)", name, took, err)
		} else {
			t.Logf("%s: %v", name, took)
		}
	}
}
