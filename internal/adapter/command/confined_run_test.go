package command

import (
	"os"
	"path/filepath"
	"testing"
)

// A message about a file outside of the sandbox is explained with the line for onward.yaml; a message about another file is not.
func TestExplainRefusal(t *testing.T) {
	t.Parallel()
	home, err := os.UserHomeDir()
	if err != nil {
		t.Fatal(err)
	}
	tool := "; it reads ~/.config/tool/x.yml, which its sandbox does not have: `sandbox: {read: [~/.config/tool/x.yml]}` of the directory in onward.yaml adds it"
	for text, want := range map[string]string{
		"FileNotFoundError: [Errno 2] No such file or directory: '" + filepath.Join(home, ".config/tool/x.yml") + "'": tool,
		"Error: ENOENT: no such file or directory, open '" + filepath.Join(home, ".config/tool/x.yml") + "'":          tool,
		"cat: " + filepath.Join(home, ".config/tool/x.yml") + ": Permission denied":                                   tool,
		"No such file or directory @ rb_sysopen - /copy/config/database.yml":                                          "",
		"/usr/bin/env: 'ruby': No such file or directory":                                                             "",
		"syntax error in " + filepath.Join(home, ".config/tool/x.yml"):                                                "",
		"relation users does not exist":                                                                               "",
	} {
		r := &Confinement{written: []string{"/copy"}}
		if got := r.ExplainRefusal(text); got != want {
			t.Errorf("ExplainRefusal(%q) = %q, want %q", text, got, want)
		}
	}
}
