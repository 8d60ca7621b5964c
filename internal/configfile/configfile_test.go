package configfile_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/internal/configfile"
)

// format writes settings, one a line.
func format(list []configfile.Setting) string {
	var out strings.Builder
	for _, s := range list {
		fmt.Fprintf(&out, "%d %s|%s=%s\n", s.Line, s.Section, s.Key, strings.Join(s.Values, ","))
	}
	return out.String()
}

func TestReaders(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, text, want, problem string
		read                      func(string) ([]configfile.Setting, error)
	}{
		{
			"TOML", "\ufefftop = 1 # note\r\n[a.'b c']\nlist = [ # [\n 'x', # y\n\"\\u0041\", [2, true]]\ninline = {k = \"v\", deep.er = {z = 1}}\n" +
				"sqlx.workspace = true\nlong = \"\"\"\nk = 2\n\"\"\"\n[[row]]\nday = 2024-01-02\n",
			"1 |top=1\n3 a.b c|list=x,A,2,true\n6 a.b c.inline|k=v\n6 a.b c.inline.deep.er|z=1\n7 a.b c.sqlx|workspace=true\n8 a.b c|long=k = 2\n\n" +
				"12 row|day=2024-01-02\n", "", configfile.ReadTOML,
		},
		{"TOML with an error", "a = 1\nb = \nc = 2\n", "1 |a=1\n", "not valid TOML", configfile.ReadTOML},
		{
			"HCL", "/* lint { x = 1 } */\nlocals {\n  a = <<EOT\n}\nEOT\n}\nenv \"x\" \"y\" {\n  src = [\"a\", \"b${c}\", d]\n  url = getenv(\"U\")\n  n { e = 1.5 }\n" +
				"  o = { k = \"}\" }\n  s = \"a\\\"b\"\n  z = null\n}\n",
			"3 locals|a=}\n\n8 env|src=a,\"b${c}\",d\n9 env|url=getenv(\"U\")\n10 env.n|e=1.5\n11 env|o={ k = \"}\" }\n12 env|s=a\"b\n13 env|z=null\n", "",
			configfile.ReadHCL,
		},
		{"HCL with an error", "a = 1\n}\n", "", "not valid HCL", configfile.ReadHCL},
		{
			"INI", "; note\n[a]\nx = 1, 'two' # three\ny =\n  p\n  [q]\n[b c]\nz=[m, n]\n", "3 a|x=1,two\n4 a|y=p,q\n8 b c|z=m,n\n", "",
			configfile.ReadINI,
		},
	} {
		got, err := c.read(c.text)
		if diff := cmp.Diff(c.want, format(got)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
		for _, s := range got {
			if strings.HasPrefix(s.Section, "env") && s.Labels != "x.y" {
				t.Errorf("%s: %s has the labels %q", s.Section, s.Key, s.Labels)
			}
		}
		if (err != nil) != (c.problem != "") || err != nil && !strings.Contains(err.Error(), c.problem) {
			t.Errorf("%s: got %v, want %q", c.name, err, c.problem)
		}
	}
}

func TestFind(t *testing.T) {
	t.Parallel()
	list, err := configfile.ReadTOML("a = []\na = 'x'\n[a]\na = 'y'\n")
	if err != nil {
		t.Fatal(err)
	}
	if got := configfile.Find(list, "", "a") + configfile.Find(list, "a", "a") + configfile.Find(list, "b", "a"); got != "xy" {
		t.Errorf("got %s", got)
	}
}

func TestDependencies(t *testing.T) {
	t.Parallel()
	got := configfile.ReadDependencies(`
[package]
name = "sqlx-demo"
# sqlx = "0.1"
[features]
sqlx = ["dep:sqlx"]
[workspace.dependencies]
a = { version = "0.7", features = [
  "postgres", # and no other
] }
[target.'cfg(unix)'.dependencies]
b.workspace = true
[dev-dependencies.c]
package = "real-c"
features = ["x"]
version = "1"
[build-dependencies]
d = "=2.0"
`)
	want := []configfile.Dependency{
		{Name: "a", Version: "0.7", Features: []string{"postgres"}}, {Name: "b"},
		{Name: "real-c", Version: "1", Features: []string{"x"}}, {Name: "d", Version: "=2.0"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestPythonVersions(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"[project]\n  requires-python = '>=3.10'\n":                               ">=3.10",
		"[tool.poetry.dependencies]\npython = {version = \"^3.9\"}\n":             "^3.9",
		"[tool.poetry.dependencies]\npython = \"^3.9\"\n":                         "^3.9",
		"[tool.other]\npython = \"2\"\n[project]\nname = \"requires-python = 3\"": "",
	} {
		if got := configfile.RequiredPython(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
	if got := configfile.PipenvPython("[packages]\npython_version = \"2\"\n[requires]\npython_version = \"3.11\"\n"); got != "3.11" {
		t.Errorf("got %q", got)
	}
}

// A file of 5 MB is refused before it is parsed.
func TestTooLarge(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("a=1\n", 5<<18)
	for name, read := range map[string]func(string) ([]configfile.Setting, error){
		"TOML": configfile.ReadTOML, "HCL": configfile.ReadHCL, "INI": configfile.ReadINI,
	} {
		if list, err := read(text); err == nil || len(list) > 0 {
			t.Errorf("%s: %d settings, %v", name, len(list), err)
		}
	}
}

// Hostile files end quickly, and no parser runs out of stack.
func TestHostile(t *testing.T) {
	t.Parallel()
	readers := map[string]func(string){
		"TOML": func(text string) { _, _ = configfile.ReadTOML(text) },
		"HCL":  func(text string) { _, _ = configfile.ReadHCL(text) },
		"INI":  func(text string) { _, _ = configfile.ReadINI(text) },
	}
	for _, piece := range []string{
		"[", "{", "(", "a=[", "a={b=", "a=!", "!", "-", "a?", "a?b:", "\"${", "%{if a}", "a=\"%{for b in c}", "a.", "a=1\n", "a{\n", "a {}\n", "[a]\n", "[[a]]\n", "a.b.c=1\n",
		"'''", "\"\"\"", "<<E\n", "#\n", "\\", "a=[1,", "a=[]\n", "a+", "a&&", "a[*]", "a={b=1}\n", "\x00", "\"\\u0041\"",
	} {
		for _, size := range []int{32 << 10, 100 << 10} {
			for _, start := range []string{"", "a="} {
				text := (start + strings.Repeat(piece, size/len(piece)+1))[:size]
				for name, read := range readers {
					begin := time.Now()
					if read(text); time.Since(begin) > 5*time.Second {
						t.Errorf("%s: %d bytes of %q take %s", name, size, start+piece, time.Since(begin).Round(time.Millisecond))
					}
				}
			}
		}
	}
}
