package gitrange

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestDefaultBase(t *testing.T) {
	t.Parallel()
	up := repository(t)
	up.write("a.sql", "1")
	up.commit("first")
	up.git("branch", "develop")
	f := up.clone()
	f.git("switch", "-q", "-c", "feature")
	f.write("b.sql", "1")
	f.commit("second")
	for _, c := range []struct {
		name    string
		prepare []string
		want    string
	}{
		{"what origin/HEAD points to", []string{"remote", "set-head", "origin", "develop"}, "origin/develop"},
		{"origin/HEAD dangles", []string{"symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/gone"}, "origin/main"},
		{"no origin/HEAD", []string{"remote", "set-head", "origin", "--delete"}, "origin/main"},
		{"master on the remote", []string{"update-ref", "refs/remotes/origin/master", "refs/remotes/origin/main"}, "origin/main"},
		{"only master on the remote", []string{"update-ref", "-d", "refs/remotes/origin/main"}, "origin/master"},
		{"only local branches", []string{"update-ref", "-d", "refs/remotes/origin/master"}, "main"},
		{"no remote", []string{"remote", "remove", "origin"}, "main"},
		{"local master", []string{"branch", "-q", "-m", "main", "master"}, "master"},
	} {
		f.git(c.prepare...) // each step starts from the one before
		rg := ranged(t, open(t, f.dir), "", "")
		if rg.BaseName != c.want {
			t.Errorf("%s: base is %s, want %s", c.name, rg.BaseName, c.want)
		}
		same(t, rg.Changes, []Change{{Kind: Added, Path: "b.sql"}})
	}
	f.git("branch", "-q", "-m", "master", "trunk")
	_, err := open(t, f.dir).Base(t.Context(), "")
	mentions(t, failsAs[*NoBaseError](t, err), "looked for main, master", "--base", "trunk")
}

func TestNamedBase(t *testing.T) {
	t.Parallel()
	up := repository(t)
	up.write("a.sql", "1")
	first := up.commit("first (fix^{commit})")
	f := up.clone()
	f.git("tag", "v1.0")
	f.git("tag", "-a", "-m", "annotated", "v1.1")
	f.git("switch", "-q", "--detach")
	f.write("b.sql", "1")
	second := f.commit("second")
	f.git("branch", "-q", "-D", "main")
	r := open(t, f.dir)
	for want, name := range map[string]string{
		"main": "origin/main", "main^{commit}": "origin/main^{commit}", "v1.0": "v1.0", "v1.1": "v1.1", "origin/main": "origin/main", "HEAD~1": "HEAD~1",
		"refs/remotes/origin/main": "origin/main", first: first[:7], first[:9]: first[:9], ":/first": ":/first", "HEAD@{0}~1": "HEAD@{0}~1",
	} {
		rg := ranged(t, r, want, "")
		same(t, []string{want, rg.BaseName, rg.Base.Name(), rg.ParentRev, rg.HeadRev}, []string{want, name, name, first, second})
	}
	base, err := r.Base(t.Context(), "v1.0")
	if err != nil {
		t.Fatal(err)
	}
	same(t, paths(base), []string{"a.sql"})
}

func TestRevisionsRefused(t *testing.T) {
	t.Parallel()
	f := repository(t)
	f.write("a.sql", "1")
	f.commit("first")
	f.git("branch", "feature/payments")
	f.git("tag", "v1.0")
	f.git("tag", "-a", "-m", "a blob", "blob-tag", f.git("rev-parse", "HEAD:a.sql"))
	r := open(t, f.dir)
	ask := map[string]func(rev string) error{
		"base": func(rev string) error { _, err := r.Base(t.Context(), rev); return err },
		"head": func(rev string) error { _, err := r.Head(t.Context(), rev); return err },
		"from": func(rev string) error { _, err := r.Range(t.Context(), rev, ""); return err },
		"to":   func(rev string) error { _, err := r.Range(t.Context(), "main", rev); return err },
	}
	for name, resolve := range ask {
		for _, rev := range []string{"-", "--all", "--output=/tmp/x", "-h", "main..feature", "main...feature", "main\n--all", "a\x00b"} {
			refused := failsAs[*RefusedRevisionError](t, resolve(rev))
			if refused.Rev != rev {
				t.Errorf("%s: refused %q, want %q", name, refused.Rev, rev)
			}
		}
		unknown := failsAs[*UnknownRevisionError](t, resolve("feature/payment"))
		same(t, unknown.Near[0], "feature/payments")
		mentions(t, unknown, `unknown revision "feature/payment"`, "feature/payments")
		for _, rev := range []string{
			"nope", "^main", "main:a.sql", "main^{tree}", "HEAD~7", "@{u}", "v9.9", strings.Repeat("0", 40), "*",
			"main feature", "blob-tag",
		} {
			failsAs[*UnknownRevisionError](t, resolve(rev))
		}
	}
}

// A name that stands for two commits is no base and no head: whoever may push a tag would choose what is compared.
func TestTwoMeanings(t *testing.T) {
	t.Parallel()
	up := repository(t)
	up.write("a.sql", "1")
	first := up.commit("first")
	up.git("branch", "deploy")
	f := up.clone()
	f.git("switch", "-q", "-c", "feature")
	f.write("b.sql", "1")
	second := f.commit("second")
	f.git("tag", "alike", first)
	f.git("tag", "v9", second)
	f.git("branch", "alike", first)
	for name, c := range map[string]struct {
		ref, rev string
		say      []string
	}{
		"a tag and a branch of the remote":            {"refs/tags/origin/main", "origin/main", []string{"refs/tags/origin/main", "refs/remotes/origin/main"}},
		"its commit":                                  {"refs/tags/origin/main", "origin/main^{commit}~0", []string{"refs/tags/origin/main"}},
		"a tag and a local branch":                    {"refs/tags/main", "main", []string{"refs/tags/main", "refs/heads/main"}},
		"a tag and a branch that only the remote has": {"refs/tags/deploy", "deploy", []string{"refs/tags/deploy", "refs/remotes/origin/deploy"}},
		"a branch with the name of a remote's":        {"refs/heads/origin/main", "origin/main", []string{"refs/heads/origin/main", "refs/remotes/origin/main"}},
		"a branch with the name of the remote":        {"refs/heads/origin", "origin", []string{"refs/heads/origin", "refs/remotes/origin/HEAD"}},
		"a tag with the path of a branch":             {"refs/tags/heads/main", "heads/main", []string{"refs/tags/heads/main", "refs/heads/main"}},
		"a ref above all":                             {"refs/main", "main", []string{"refs/main", "refs/heads/main"}},
		"a short id":                                  {"refs/tags/" + first[:8], first[:8], []string{"refs/tags/" + first[:8], "commit " + first}},
		"a short id in capitals":                      {"refs/heads/" + strings.ToUpper(first[:9]), strings.ToUpper(first[:9]), []string{"commit " + first}},
		"a name of git describe":                      {"refs/tags/v1-4-g" + first[:7], "v1-4-g" + first[:7], []string{"commit " + first}},
	} {
		f.git("update-ref", c.ref, second)
		r := open(t, f.dir)
		for _, resolve := range []func() error{
			func() error { _, err := r.Base(t.Context(), c.rev); return err },
			func() error { _, err := r.Head(t.Context(), c.rev); return err },
			func() error { _, err := r.Range(t.Context(), c.rev, ""); return err },
		} {
			if err := resolve(); err == nil {
				t.Errorf("%s: %s is taken", name, c.rev)
			} else {
				mentions(t, failsAs[*RefusedRevisionError](t, err), append(c.say, "name one of them")...)
			}
		}
		for _, meaning := range c.say {
			if _, err := r.Base(t.Context(), strings.TrimPrefix(meaning, "commit ")); err != nil {
				t.Errorf("%s: what the error names is refused: %v", name, err)
			}
		}
		f.git("update-ref", "-d", c.ref)
		if _, err := r.Base(t.Context(), c.rev); err != nil {
			t.Errorf("%s: without the second meaning: %v", name, err)
		}
	}
	for _, rev := range []string{"alike", "main", "HEAD", "@", "v9~1"} {
		if _, err := open(t, f.dir).Base(t.Context(), rev); err != nil {
			t.Errorf("%s has one meaning: %v", rev, err)
		}
	}
}

func TestNearNames(t *testing.T) {
	t.Parallel()
	f := repository(t)
	f.commit("first")
	for _, b := range []string{"develop", "release/2.0", "feature/users"} {
		f.git("branch", b)
	}
	for _, tag := range []string{"v1.0", "v2.0", "unrelated-long-name"} {
		f.git("tag", tag)
	}
	r := open(t, f.dir)
	for rev, want := range map[string]string{"devlop": "develop", "users": "feature/users", "v2.1": "v2.0", "MAIN": "main"} {
		if similar := r.similarNames(t.Context(), rev); len(similar) == 0 || similar[0] != want {
			t.Errorf("near %s: %v, want %s first", rev, similar, want)
		}
	}
	if got := len(r.similarNames(t.Context(), "x")); got > nearest {
		t.Errorf("%d suggestions", got)
	}
}

func TestNoCommits(t *testing.T) {
	t.Parallel()
	f := repository(t)
	f.write("a.sql", "1")
	r := open(t, f.dir)
	_, err := r.Range(t.Context(), "", "")
	mentions(t, failsAs[*NoCommitsError](t, err), "no commits yet")
	_, err = r.Base(t.Context(), "main")
	failsAs[*NoCommitsError](t, err)
	_, err = r.Head(t.Context(), "HEAD")
	failsAs[*NoCommitsError](t, err)
	head, err := r.Head(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	same(t, paths(head), []string{"a.sql"})
}

// TestLostHead: a repository that lacks the commit of HEAD has commits.
func TestLostHead(t *testing.T) {
	t.Parallel()
	f := repository(t)
	f.commit("one")
	id := strings.TrimSpace(f.git("rev-parse", "HEAD"))
	if err := os.Remove(filepath.Join(f.dir, ".git/objects", id[:2], id[2:])); err != nil {
		t.Fatal(err)
	}
	r := open(t, f.dir)
	_, err := r.Range(t.Context(), "", "")
	if _, none := errors.AsType[*NoCommitsError](err); none || err == nil {
		t.Fatal(err)
	}
	mentions(t, err, "HEAD is "+id, "git fsck")
}

func TestUnrelatedHistories(t *testing.T) {
	t.Parallel()
	f := repository(t)
	f.commit("first")
	f.git("switch", "-q", "--orphan", "other")
	f.commit("second")
	_, err := open(t, f.dir).Range(t.Context(), "main", "")
	none := failsAs[*NoMergeBaseError](t, err)
	if none.Shallow {
		t.Error("called shallow")
	}
	mentions(t, none, "main", "no common ancestor")
}
