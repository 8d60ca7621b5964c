package gitrange

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/prose"
)

// WorkingTree is the name of the working tree as a head.
const WorkingTree = "working tree"

// revision is a commit and what people call it.
type revision struct{ name, id string }

// Base returns the files of the deployed revision, which is want. If want is empty, it is the
// remote's default branch (origin/HEAD, origin/main, origin/master), else the local main or
// master. A branch that exists only on the remote may be named without the remote. The tree has
// the branch's name.
//
// Errors: [*RefusedRevisionError], [*UnknownRevisionError], [*NoBaseError],
// [*NoCommitsError], [*MissingObjectsError].
func (r *Repo) Base(ctx context.Context, want string) (Tree, error) {
	if _, err := r.resolveHead(ctx); err != nil {
		return nil, err
	}
	base, err := r.resolveBase(ctx, want)
	if err != nil {
		return nil, err
	}
	return r.openTree(ctx, base)
}

// resolveBase resolves the deployed revision, or finds the default one.
func (r *Repo) resolveBase(ctx context.Context, want string) (revision, error) {
	if want == "" {
		return r.findDefaultBase(ctx)
	}
	return r.resolveRevision(ctx, want)
}

// Head returns the files of the release: the revision want, or with want empty
// the working tree with uncommitted and untracked, but not ignored, files.
//
// Errors: [*RefusedRevisionError], [*UnknownRevisionError], [*MissingObjectsError].
func (r *Repo) Head(ctx context.Context, want string) (Tree, error) {
	if want == "" {
		return r.workingTree(ctx)
	}
	c, err := r.resolveRevision(ctx, want)
	if err != nil {
		return nil, err
	}
	return r.openTree(ctx, c)
}

// openTree and workingTree keep a nil pointer from becoming a non-nil Tree.
func (r *Repo) openTree(ctx context.Context, c revision) (Tree, error) {
	t, err := r.treeOfCommit(ctx, c.id, c.name)
	if err != nil {
		return nil, err
	}
	return t, nil
}

func (r *Repo) workingTree(ctx context.Context) (Tree, error) {
	t, err := r.listWorkingTree(ctx)
	if err != nil {
		return nil, err
	}
	return t, nil
}

// resolveHead returns what HEAD points to.
func (r *Repo) resolveHead(ctx context.Context) (revision, error) {
	id, err := r.revParse(ctx, "HEAD")
	if err != nil {
		if failure, ok := errors.AsType[*GitError](err); ok {
			return revision{}, r.explainMissingHead(ctx, failure)
		}
		return revision{}, err
	}
	return revision{"HEAD", id}, nil
}

// Commit is the full name of the commit that HEAD is.
func (r *Repo) Commit(ctx context.Context) (string, error) {
	head, err := r.resolveHead(ctx)
	return head.id, err
}

// explainMissingHead returns the reason why HEAD is no commit: no commit exists yet, or the repository
// lacks it, as a clone with --shared does after its source was deleted.
func (r *Repo) explainMissingHead(ctx context.Context, failure *GitError) error {
	out, err := r.git.runForOutput(ctx, "rev-parse", "--verify", "HEAD")
	if err != nil {
		return &NoCommitsError{Root: r.root}
	}
	return fmt.Errorf("HEAD is %s, which the repository does not have; git fsck says what else is missing: %w", strings.TrimSpace(string(out)), failure)
}

// resolveRevision finds the commit that rev names here or, failing that, on a remote.
func (r *Repo) resolveRevision(ctx context.Context, rev string) (revision, error) {
	switch {
	case rev == "":
		return revision{}, &RefusedRevisionError{Rev: rev, Reason: "it is empty"}
	case strings.HasPrefix(rev, "-"):
		return revision{}, &RefusedRevisionError{Rev: rev, Reason: "it starts with -"}
	case strings.ContainsAny(rev, "\x00\n"):
		return revision{}, &RefusedRevisionError{Rev: rev, Reason: "it contains a line end or NUL"}
	case strings.Contains(rev, ".."):
		return revision{}, &RefusedRevisionError{Rev: rev, Reason: "it is a range; name one revision"}
	}
	if err := r.refuseTwoMeanings(ctx, rev); err != nil {
		return revision{}, err
	}
	id, err := r.revParse(ctx, rev)
	if err == nil {
		return revision{shortenRevision(rev, id), id}, nil
	}
	failure, ok := errors.AsType[*GitError](err)
	if !ok {
		return revision{}, err
	}
	if rev == "HEAD" {
		return revision{}, r.explainMissingHead(ctx, failure)
	}
	for _, remote := range r.remotes {
		id, err := r.revParse(ctx, "refs/remotes/"+remote+"/"+rev)
		if err == nil {
			return revision{remote + "/" + rev, id}, nil
		}
		if _, ok := errors.AsType[*GitError](err); !ok {
			return revision{}, err
		}
	}
	unknown := &UnknownRevisionError{Rev: rev, Reason: gitReason(failure.Stderr), Near: r.similarNames(ctx, rev)}
	if unknown.Reason == "" && len(r.remotes) > 0 {
		unknown.Run = r.fetchBranchesCommand(ctx)
	}
	return revision{}, unknown
}

var (
	// revisionSuffix is what walks on from a name: v1~2, main^{commit}, main@{1}, main:a.sql.
	revisionSuffix = lazyregexp.New(`[\^~:].*$|@\{.*$`)
	// shortID is a name that git takes for the begin of an object's id, if no ref has it. The second form is of git describe.
	shortID = lazyregexp.New(`^(?:.*-g)?([0-9a-fA-F]{4,39})$`)
)

// refuseTwoMeanings refuses a name that fits refs, or a ref and an id, that are different commits. Git takes the tag, which whoever may push
// tags can make. A branch of a remote counts if no local branch has the name, since it may be named without the remote.
func (r *Repo) refuseTwoMeanings(ctx context.Context, rev string) error {
	name := revisionSuffix.ReplaceAllString(rev, "")
	if name == "" || name == "HEAD" || name == "@" || strings.HasPrefix(name, "refs/") || isObjectID(name) || strings.ContainsAny(name, "*?[\\") {
		return nil
	}
	refs := []string{"refs/" + name, "refs/tags/" + name, "refs/heads/" + name, "refs/remotes/" + name, "refs/remotes/" + name + "/HEAD"}
	local := len(refs)
	for _, remote := range r.remotes {
		refs = append(refs, "refs/remotes/"+remote+"/"+name)
	}
	out, err := r.git.runForOutput(ctx, append([]string{"for-each-ref", "--format=%(refname) %(objectname) %(*objectname)"}, refs...)...)
	if err != nil {
		return fmt.Errorf("look for refs with the name %s: %w", name, err)
	}
	commits := map[string]string{}
	for line := range strings.Lines(string(out)) {
		words := strings.Fields(line)
		commits[words[0]] = words[len(words)-1]
	}
	if commits["refs/heads/"+name] != "" {
		refs = refs[:local]
	}
	var meanings, ids []string
	for _, ref := range refs {
		if id := commits[ref]; id != "" {
			meanings, ids = append(meanings, ref), append(ids, id)
		}
	}
	if m := shortID.FindStringSubmatch(name); m != nil && len(meanings) > 0 {
		out, err := r.git.runForOutput(ctx, "rev-parse", "--disambiguate="+m[1])
		if err != nil {
			return fmt.Errorf("look for commits with the id %s: %w", m[1], err)
		}
		for id := range strings.FieldsSeq(string(out)) {
			if id, err := r.revParse(ctx, id); err == nil {
				meanings, ids = append(meanings, "commit "+id), append(ids, id)
			}
		}
	}
	slices.Sort(ids)
	if len(slices.Compact(ids)) < 2 {
		return nil
	}
	return &RefusedRevisionError{Rev: rev, Reason: "it names " + strings.Join(meanings, " and ") + "; name one of them"}
}

// revParse returns the id of the commit that rev names. A GitError means none.
func (r *Repo) revParse(ctx context.Context, rev string) (string, error) {
	// In two steps: appended to :/text, ^{commit} would be searched for.
	for _, suffix := range []string{"", "^{commit}"} {
		out, err := r.git.runForOutput(ctx, "rev-parse", "--verify", rev+suffix)
		if err != nil {
			return "", err
		}
		if rev = strings.TrimSpace(string(out)); !isObjectID(rev) {
			return "", &GitError{Args: []string{"rev-parse", rev}, Stderr: "not a single revision"}
		}
	}
	return rev, nil
}

func isObjectID(s string) bool {
	return (len(s) == 40 || len(s) == 64) && strings.Trim(s, "0123456789abcdef") == ""
}

// shortenRevision returns rev as people read it: a full id is cut to seven digits, and a ref has no prefix.
func shortenRevision(rev, id string) string {
	if rev == id {
		return id[:7]
	}
	return trimRefPrefix(rev)
}

// gitReason is what git says about a revision beyond its being unknown.
func gitReason(stderr string) string {
	for line := range strings.Lines(stderr) {
		line = strings.TrimSpace(line)
		if strings.Contains(line, "ambiguous") || strings.Contains(line, "expected commit type") {
			return strings.TrimPrefix(line, "error: ")
		}
	}
	return ""
}

// resolveMergeBase resolves want, or finds the default base, and returns it with its
// merge base with head.
func (r *Repo) resolveMergeBase(ctx context.Context, want string, head revision) (base revision, id string, err error) {
	if base, err = r.resolveBase(ctx, want); err != nil {
		return revision{}, "", err
	}
	out, err := r.git.runForOutput(ctx, "merge-base", base.id, head.id)
	if err == nil {
		return base, strings.TrimSpace(string(out)), nil
	}
	if !hasExitCode(err, 1) {
		if r.partial && isMissingObject(err) {
			return revision{}, "", &MissingObjectsError{Rev: base.name, Run: r.fetchObjectsCommand()}
		}
		return revision{}, "", fmt.Errorf("find the common ancestor of %s and %s: %w", base.name, head.name, err)
	}
	none := &NoMergeBaseError{Base: base.name, Head: head.name}
	if none.Shallow = r.isShallow(ctx); none.Shallow {
		none.Run = r.fetchBranchesCommand(ctx)
	}
	return revision{}, "", none
}

// findDefaultBase returns the branch that releases usually start from.
func (r *Repo) findDefaultBase(ctx context.Context) (revision, error) {
	var refs, looked []string
	if len(r.remotes) > 0 {
		remote := r.remotes[0]
		for _, branch := range []string{"HEAD", "main", "master"} {
			refs = append(refs, "refs/remotes/"+remote+"/"+branch)
			looked = append(looked, remote+"/"+branch)
		}
	}
	refs = append(refs, "refs/heads/main", "refs/heads/master")
	looked = append(looked, "main", "master")
	out, err := r.git.runForOutput(ctx, append([]string{"for-each-ref", "--format=%(refname) %(objectname) %(symref)"}, refs...)...)
	if err != nil {
		return revision{}, fmt.Errorf("look for the default branch: %w", err)
	}
	found := map[string]revision{}
	for line := range strings.Lines(string(out)) {
		words := strings.Fields(line)
		if len(words) < 2 {
			continue
		}
		name := words[0]
		if len(words) == 3 {
			name = words[2]
		}
		found[words[0]] = revision{trimRefPrefix(name), words[1]}
	}
	for _, ref := range refs {
		if c, ok := found[ref]; ok {
			return c, nil
		}
	}
	none := &NoBaseError{Looked: looked, Branches: r.similarNames(ctx, "")}
	if len(r.remotes) > 0 {
		none.Run = r.fetchBranchesCommand(ctx)
	}
	return revision{}, none
}

func trimRefPrefix(ref string) string {
	for _, prefix := range []string{"refs/heads/", "refs/remotes/", "refs/tags/"} {
		if short, ok := strings.CutPrefix(ref, prefix); ok {
			return short
		}
	}
	return ref
}

// nearest is how many names an error suggests.
const nearest = 5

// similarNames returns the branches and tags whose names are most like rev; with rev
// empty, branches.
func (r *Repo) similarNames(ctx context.Context, rev string) []string {
	kinds := []string{"refs/heads", "refs/remotes"}
	if rev != "" {
		kinds = append(kinds, "refs/tags")
	}
	out, err := r.git.runForOutput(ctx, append([]string{"for-each-ref", "--format=%(refname)"}, kinds...)...)
	if err != nil {
		return nil // only the suggestion is lost
	}
	type candidate struct {
		name  string
		order int // of kind
		far   int
	}
	var all []candidate
	for line := range strings.Lines(string(out)) {
		ref := strings.TrimSuffix(line, "\n")
		if strings.HasSuffix(ref, "/HEAD") {
			continue
		}
		name := trimRefPrefix(ref)
		last := name
		if strings.HasPrefix(ref, "refs/remotes/") {
			_, last, _ = strings.Cut(name, "/")
		}
		c := candidate{name: name}
		c.order = slices.IndexFunc(kinds, func(kind string) bool { return strings.HasPrefix(ref, kind+"/") })
		if rev != "" {
			c.far = min(prose.CountEdits(truncateName(rev), truncateName(name)), prose.CountEdits(truncateName(rev), truncateName(last)))
			if strings.Contains(last, rev) || strings.Contains(rev, last) {
				c.far = min(c.far, 1)
			}
			if c.order > 0 && c.far > max(2, len(rev)/2) {
				continue // a tag or remote branch with nothing in common is noise
			}
		}
		all = append(all, c)
	}
	slices.SortStableFunc(all, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(a.far, b.far), cmp.Compare(a.order, b.order))
	})
	names := make([]string, 0, nearest)
	for _, c := range all[:min(nearest, len(all))] {
		names = append(names, c.name)
	}
	return names
}

// truncateName cuts a name to compare: there may be thousands.
func truncateName(name string) string { return name[:min(len(name), 64)] }

func (r *Repo) isShallow(ctx context.Context) bool {
	out, err := r.git.runForOutput(ctx, "rev-parse", "--is-shallow-repository")
	return err == nil && strings.TrimSpace(string(out)) == "true"
}

// remoteForAdvice is the remote that advice names.
func (r *Repo) remoteForAdvice() string {
	if len(r.remotes) == 0 {
		return "origin"
	}
	return r.remotes[0]
}

// fetchBranchesCommand is the command that brings every branch of the remote and, in
// a shallow clone, the rest of the history. It spells the refspec out because a
// single-branch clone is configured to fetch one branch only.
func (r *Repo) fetchBranchesCommand(ctx context.Context) string {
	remote, unshallow := r.remoteForAdvice(), ""
	if r.isShallow(ctx) {
		unshallow = "--unshallow "
	}
	return fmt.Sprintf(`git fetch %s%s "+refs/heads/*:refs/remotes/%s/*"`, unshallow, remote, remote)
}

// fetchObjectsCommand is the command that completes a partial clone.
func (r *Repo) fetchObjectsCommand() string {
	return "git fetch --refetch --no-filter " + r.remoteForAdvice()
}
