package gitrange

import (
	"context"
	"testing"
	"time"
)

// upstream has main two commits ahead of where feature left it, and feature
// two commits ahead.
func upstream(t *testing.T) fixture {
	t.Helper()
	f := repository(t)
	f.write("a.sql", lines)
	f.write("moved.sql", lines+"select 1;\n")
	f.write("edit.sql", "select nickname;\n")
	f.commit("first")
	f.git("switch", "-q", "-c", "feature")
	f.write("b.sql", "1")
	f.commit("second")
	f.write("edit.sql", "select surname;\n")
	f.git("mv", "moved.sql", "elsewhere.sql")
	f.git("mv", "a.sql", "c.sql")
	f.write("c.sql", lines+"-- edited\n")
	f.commit("third")
	f.git("switch", "-q", "main")
	f.write("m.sql", "1")
	f.commit("fourth")
	f.write("n.sql", "1")
	f.commit("fifth")
	return f
}

func TestShallowClone(t *testing.T) {
	t.Parallel()
	up := upstream(t)

	t.Run("single branch", func(t *testing.T) {
		t.Parallel()
		f := up.with(t).clone("--depth", "1", "--branch", "feature")
		r := open(t, f.dir)
		_, err := r.Range(t.Context(), "", "")
		none := failsAs[*NoBaseError](t, err)
		mentions(t, none, "origin/main", "git fetch --unshallow origin", "fetch-depth: 0")
		_, err = r.Range(t.Context(), "main", "")
		unknown := failsAs[*UnknownRevisionError](t, err)
		same(t, unknown.Run, none.Run)
		f.shell(none.Run)
		same(t, len(ranged(t, open(t, f.dir), "main", "").Changes), 4)
	})
	t.Run("all branches", func(t *testing.T) {
		t.Parallel()
		f := up.with(t).clone("--depth", "1", "--no-single-branch", "--branch", "feature")
		_, err := open(t, f.dir).Range(t.Context(), "", "")
		none := failsAs[*NoMergeBaseError](t, err)
		if !none.Shallow {
			t.Error("not called shallow")
		}
		mentions(t, none, "git fetch --unshallow", "fetch-depth: 0")
		f.shell(none.Run)
		rg := ranged(t, open(t, f.dir), "", "")
		same(t, rg.BaseName, "origin/main")
		same(t, len(rg.Changes), 4)
	})
	t.Run("deep enough", func(t *testing.T) {
		t.Parallel()
		f := up.with(t).clone("--depth", "3", "--no-single-branch", "--branch", "feature")
		same(t, len(ranged(t, open(t, f.dir), "", "").Changes), 4)
	})
	t.Run("not shallow but one branch", func(t *testing.T) {
		t.Parallel()
		f := up.with(t).clone("--single-branch", "--branch", "feature")
		_, err := open(t, f.dir).Range(t.Context(), "main", "")
		unknown := failsAs[*UnknownRevisionError](t, err)
		f.shell(unknown.Run)
		same(t, len(ranged(t, open(t, f.dir), "main", "").Changes), 4)
	})
}

// with is f reporting to a sub-test.
func (f fixture) with(t *testing.T) fixture { return fixture{t, f.dir} }

func TestBloblessClone(t *testing.T) {
	t.Parallel()
	up := upstream(t)
	f := up.clone("--filter=blob:none", "--branch", "feature")
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	r := open(t, f.dir)
	rg, err := r.Range(ctx, "", "")
	if err != nil {
		t.Fatal(err)
	}
	// An exact rename is known without contents; an edited one is not.
	same(t, rg.Changes, []Change{
		{Kind: Deleted, Path: "a.sql"},
		{Kind: Added, Path: "b.sql"},
		{Kind: Added, Path: "c.sql"},
		{Kind: Modified, Path: "edit.sql"},
		{Kind: Renamed, Path: "elsewhere.sql", OldPath: "moved.sql", Similarity: 100},
	})
	same(t, content(t, rg.Base, "moved.sql"), lines+"select 1;\n")
	got, err := rg.Base.ReadAll(paths(rg.Base))
	missing := failsAs[*MissingObjectsError](t, err)
	same(t, missing.Count, 2)
	same(t, missing.Paths, []string{"a.sql", "edit.sql"})
	same(t, len(got), 3)
	mentions(t, missing, "a.sql and 1 more", "partial clone", "git fetch --refetch")
	_, err = rg.Base.Read("edit.sql")
	failsAs[*MissingObjectsError](t, err)
	_, err = rg.Base.Dir(ctx)
	failsAs[*MissingObjectsError](t, err)
	if n := f.git("rev-list", "--objects", "--all", "--missing=print", "--quiet"); n == "" {
		t.Error("the contents were fetched")
	}

	f.shell(missing.Run)
	r = open(t, f.dir)
	rg = ranged(t, r, "", "")
	same(t, content(t, rg.Base, "edit.sql"), "select nickname;\n")
	same(t, len(rg.Changes), 4)
}

// Should an object vanish while cat-file runs, the process may die of it. The
// next read starts another.
func TestBatchStartsAgain(t *testing.T) {
	t.Parallel()
	up := upstream(t)
	f := up.clone("--filter=blob:none", "--branch", "feature")
	r := open(t, f.dir)
	rg := ranged(t, r, "", "")
	base := rg.Base.(*commitTree)
	missing := base.missing
	base.missing = nil
	_, err := base.Read("edit.sql")
	if err == nil {
		t.Fatal("read what is not there")
	}
	base.missing = missing
	same(t, content(t, base, "moved.sql"), lines+"select 1;\n")
}

func TestTreelessClone(t *testing.T) {
	t.Parallel()
	f := upstream(t).clone("--filter=tree:0", "--branch", "feature")
	_, err := open(t, f.dir).Range(t.Context(), "", "")
	missing := failsAs[*MissingObjectsError](t, err)
	f.shell(missing.Run)
	same(t, len(ranged(t, open(t, f.dir), "", "").Changes), 4)
}
