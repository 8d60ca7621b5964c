package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// room is a clone of an application with commits of its own: the base, and on top of it each release.
type room struct {
	dir  string // of the clone
	base string // the commit of the base
}

// cloneRepository clones a bare repository, which shares its objects, and commits the tree of the base. It leaves out files whose
// content the clone does not have.
func cloneRepository(ctx context.Context, bare, dir, base string) (*room, error) {
	r := &room{dir: filepath.Join(dir, "clone")}
	if err := os.RemoveAll(r.dir); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // Servers of other accounts read it.
		return nil, err
	}
	if _, err := runCommandIn(ctx, dir, "", "git", "clone", "-q", "-s", "--no-checkout", bare, r.dir); err != nil {
		return nil, err
	}
	var err error
	r.base, err = r.commitTree(ctx, "", base)
	return r, err
}

// commitTree commits the tree of a revision on top of a parent, or of none.
func (r *room) commitTree(ctx context.Context, parent, revision string) (string, error) {
	if _, err := r.runGit(ctx, "", "read-tree", revision); err != nil {
		return "", err
	}
	list, err := r.runGit(ctx, "", "ls-files", "-s")
	if err != nil {
		return "", err
	}
	var ids, missing strings.Builder
	lines := strings.Split(strings.TrimSpace(list), "\n")
	for _, line := range lines {
		ids.WriteString(strings.Fields(line)[1] + "\n")
	}
	found, err := r.runGit(ctx, ids.String(), "cat-file", "--batch-check")
	if err != nil {
		return "", err
	}
	for i, line := range strings.Split(strings.TrimSpace(found), "\n") {
		if strings.HasSuffix(line, " missing") {
			_, path, _ := strings.Cut(lines[i], "\t")
			missing.WriteString(path + "\n")
		}
	}
	if missing.Len() > 0 {
		if _, err := r.runGit(ctx, missing.String(), "update-index", "--force-remove", "--stdin"); err != nil {
			return "", err
		}
	}
	return r.commitIndex(ctx, parent)
}

func (r *room) commitIndex(ctx context.Context, parent string) (string, error) {
	tree, err := r.runGit(ctx, "", "write-tree")
	if err != nil {
		return "", err
	}
	args := []string{"-c", "user.name=evidence", "-c", "user.email=evidence@localhost", "commit-tree", strings.TrimSpace(tree), "-m", "evidence"}
	if parent != "" {
		args = append(args, "-p", parent)
	}
	out, err := r.runGit(ctx, "", args...)
	return strings.TrimSpace(out), err
}

// commitPlanted commits the base with one more file.
func (r *room) commitPlanted(ctx context.Context, path, text string) (string, error) {
	if _, err := r.runGit(ctx, "", "read-tree", r.base); err != nil {
		return "", err
	}
	blob, err := r.runGit(ctx, text, "hash-object", "-w", "--stdin")
	if err != nil {
		return "", err
	}
	if _, err := r.runGit(ctx, "", "update-index", "--add", "--cacheinfo", "100644,"+strings.TrimSpace(blob)+","+path); err != nil {
		return "", err
	}
	return r.commitIndex(ctx, r.base)
}

// commitBaseWithMigrations commits the base with the migrations of a release: the deployed code on the new schema.
func (r *room) commitBaseWithMigrations(ctx context.Context, head string, migrations []string) (string, error) {
	if _, err := r.runGit(ctx, "", "read-tree", r.base); err != nil {
		return "", err
	}
	if _, err := r.runGit(ctx, "", append([]string{"rm", "-r", "-q", "--cached", "--"}, migrations...)...); err != nil {
		return "", err
	}
	files, err := r.runGit(ctx, "", append([]string{"ls-tree", "-r", head, "--"}, migrations...)...)
	if err != nil {
		return "", err
	}
	if _, err := r.runGit(ctx, files, "update-index", "--add", "--index-info"); err != nil {
		return "", err
	}
	return r.commitIndex(ctx, r.base)
}

// addWorktree makes a worktree of a revision.
func (r *room) addWorktree(ctx context.Context, name, revision string) (string, error) {
	dir := filepath.Join(filepath.Dir(r.dir), name)
	_, _ = r.runGit(ctx, "", "worktree", "remove", "--force", dir) // it may be left of an earlier release
	if err := os.RemoveAll(dir); err != nil {
		return "", err
	}
	_, err := r.runGit(ctx, "", "worktree", "add", "--detach", "-q", "-f", dir, revision)
	return dir, err
}

func (r *room) runGit(ctx context.Context, input string, args ...string) (string, error) {
	return runCommandIn(ctx, r.dir, input, "git", args...)
}

func runCommandIn(ctx context.Context, dir, input, program string, args ...string) (string, error) {
	c := exec.CommandContext(ctx, program, args...) //nolint:gosec // The words are of this program.
	c.Dir, c.Stdin = dir, strings.NewReader(input)
	var problems strings.Builder
	c.Stderr = &problems
	out, err := c.Output()
	if err != nil {
		return "", fmt.Errorf("%s %.60s: %w: %.400s", program, strings.Join(args, " "), err, problems.String())
	}
	return string(out), nil
}
