package gitrange

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// Commit is a commit of a branch.
type Commit struct {
	ID string
	// Date is the committer's date, in the form of RFC 3339.
	Date    string
	Subject string
	// Touched: it changes one of the paths that were asked for.
	Touched bool
}

// ListCommits lists the commits of a branch after a base up to a head, oldest first. It follows the branch itself: a merge counts as one
// commit. It marks commits that add or change one of the paths.
//
// Errors: as for [Repo.Head]; a [*GitError].
func (r *Repo) ListCommits(ctx context.Context, base, head string, paths []string) ([]Commit, error) {
	from, err := r.resolveRevision(ctx, base)
	if err != nil {
		return nil, err
	}
	to, err := r.resolveRevision(ctx, head)
	if err != nil {
		return nil, err
	}
	log := []string{"log", "-z", "--first-parent", "--reverse", "--format=%H%n%cI%n%s", from.id + ".." + to.id, "--"}
	out, err := r.git.runForOutput(ctx, log...)
	if err != nil {
		return nil, fmt.Errorf("list the commits: %w", err)
	}
	var list []Commit
	for record := range strings.SplitSeq(string(out), "\x00") {
		if fields := strings.SplitN(record, "\n", 3); len(fields) == 3 {
			list = append(list, Commit{ID: fields[0], Date: fields[1], Subject: fields[2]})
		}
	}
	touching := []string{"log", "-m", "--first-parent", "--diff-filter=AMR", "--format=%H", from.id + ".." + to.id, "--"}
	for _, p := range paths {
		touching = append(touching, ":(top,literal)"+p)
	}
	if len(paths) == 0 {
		return list, nil
	}
	if out, err = r.git.runForOutput(ctx, touching...); err != nil {
		return nil, fmt.Errorf("list the commits: %w", err)
	}
	touched := strings.Fields(string(out))
	for i := range list {
		list[i].Touched = slices.Contains(touched, list[i].ID)
	}
	return list, nil
}
