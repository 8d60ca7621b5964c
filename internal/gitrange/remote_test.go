package gitrange

import "testing"

func TestHost(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"https://user:secret@GitHub.com/a/b.git": "github.com",
		"git@gitlab.example.org:a/b.git":         "gitlab.example.org",
		"ssh://git@github.com:22/a/b":            "github.com",
		"/srv/git/b.git":                         "",
		"../b":                                   "",
		`C:\git\b`:                               "",
		"file:///srv/b":                          "",
		"https://[::1":                           "",
	} {
		f := repository(t)
		if got := open(t, f.dir).Host(); got != "" {
			t.Errorf("without a remote: %q", got)
		}
		f.git("remote", "add", "origin", address)
		if got := open(t, f.dir).Host(); got != want {
			t.Errorf("%s: %q, want %q", address, got, want)
		}
	}
}

func TestRemote(t *testing.T) {
	t.Parallel()
	up := repository(t)
	up.write("a.sql", "1")
	up.commit("first")
	if name, fetched, err := open(t, up.dir).Remote(t.Context()); name != "" || fetched || err != nil {
		t.Errorf("without a remote: Remote() = %q, %v, %v", name, fetched, err)
	}
	f := up.clone()
	if name, fetched, err := open(t, f.dir).Remote(t.Context()); name != "origin" || !fetched || err != nil {
		t.Errorf("of a clone: Remote() = %q, %v, %v", name, fetched, err)
	}
	// Another remote, whose name begins in the same way, has branches.
	up.git("remote", "add", "origin", "https://git.example.org/a/b.git")
	up.git("update-ref", "refs/remotes/origin2/main", "HEAD")
	if name, fetched, err := open(t, up.dir).Remote(t.Context()); name != "origin" || fetched || err != nil {
		t.Errorf("not fetched: Remote() = %q, %v, %v", name, fetched, err)
	}
}

func TestDefault(t *testing.T) {
	t.Parallel()
	up := repository(t)
	up.write("a.sql", "1")
	if _, _, err := open(t, up.dir).Default(t.Context()); err == nil {
		t.Error("a default branch without commits")
	}
	up.commit("first")
	if branch, remote, err := open(t, up.dir).Default(t.Context()); branch != "main" || remote || err != nil {
		t.Errorf("Default() = %q, %v, %v", branch, remote, err)
	}
	if branch, remote, err := open(t, up.clone().dir).Default(t.Context()); branch != "origin/main" || !remote || err != nil {
		t.Errorf("of a clone: Default() = %q, %v, %v", branch, remote, err)
	}
}
