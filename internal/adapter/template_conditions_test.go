package adapter

import (
	"strings"
	"testing"
)

// If no condition is true, a template has the text after {{ else }}, at the same offsets.
func TestUnheld(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"a{{ if .X }}b{{ end }}c":                                        "a c",
		"a{{ if .X }}b{{ else }}d{{ end }}c":                             "a d c",
		"a{{- if .X -}}b{{- else if .Y }}d{{ else }}e{{ end }}c":         "a e c",
		"a{{ if .X }}b{{ if .Y }}d{{ end }}{{ end }}c{{if .Z}}\n{{end}}": "a c",
		"{{ range .X }}{{ if .Y }}b{{ end }}{{ end }}":                   "{{ range .X }}{{ if .Y }}b{{ end }}{{ end }}",
		"plain": "plain",
	} {
		got := renderFalseBranches(text)
		if words := strings.Join(strings.Fields(got), " "); words != want || len(got) != len(text) || strings.Count(got, "\n") != strings.Count(text, "\n") {
			t.Errorf("%q\ngot  %q\nwant %q", text, got, want)
		}
		for i := range got {
			if got[i] != ' ' && got[i] != text[i] {
				t.Errorf("%q: not at its place in %q", text, got)
			}
		}
	}
}
