package cli

import "testing"

func TestLinking(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		env  map[string]string
		want bool
	}{
		{nil, false},
		{map[string]string{"TERM": "xterm-256color"}, false},
		{map[string]string{"VTE_VERSION": "7600"}, true},
		{map[string]string{"VTE_VERSION": "4205"}, false},
		{map[string]string{"TERM_PROGRAM": "vscode"}, true},
		{map[string]string{"TERM_PROGRAM": "Apple_Terminal"}, false},
		{map[string]string{"TERM_PROGRAM": "vscode", "CI": "true"}, false},
		{map[string]string{"CI": "true", "FORCE_HYPERLINK": "1"}, true},
		{map[string]string{"KITTY_WINDOW_ID": "1", "FORCE_HYPERLINK": "0"}, false},
	} {
		if is := supportsLinks(func(name string) string { return c.env[name] }); is != c.want {
			t.Errorf("%v: %v", c.env, is)
		}
	}
}
