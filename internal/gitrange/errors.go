package gitrange

import (
	"errors"
	"fmt"
	"strings"
)

// GitError reports a git command that failed in a way no other error of this
// package describes.
type GitError struct {
	Args   []string // the command and its arguments, without the safety options
	Code   int      // exit code; -1 when git was ended by a signal
	Ended  string   // the signal: "signal: segmentation fault"; "" for an exit
	Stderr string   // git's messages, warnings included
}

func (e *GitError) Error() string {
	stderr := strings.TrimSpace(e.Stderr)
	if stderr == "" {
		stderr = fmt.Sprintf("exit code %d", e.Code)
		if e.Code < 0 {
			stderr = e.Ended + " ended it; try the same command by hand, and git fsck"
		}
	}
	return fmt.Sprintf("git %s: %s", e.Args[0], stderr)
}

// NotRepositoryError reports that Dir is not inside a git working tree.
type NotRepositoryError struct{ Dir string }

func (e *NotRepositoryError) Error() string {
	return fmt.Sprintf("%s is not in a git repository; run onward inside one, or name files: onward check PATH", e.Dir)
}

// BareRepositoryError reports a repository without a working tree, or a
// directory inside the git directory itself.
type BareRepositoryError struct{ Dir string }

func (e *BareRepositoryError) Error() string {
	return fmt.Sprintf("%s has no working tree (a bare repository, or the inside of .git); run onward in a clone or in a worktree of it", e.Dir)
}

// OwnershipError reports a repository that git refuses to read because it
// belongs to another user, as happens in containers.
type OwnershipError struct{ Dir string }

func (e *OwnershipError) Error() string {
	return fmt.Sprintf("git does not read %s because it belongs to another user; if you trust it, run: git config --global --add safe.directory %s", e.Dir, e.Dir)
}

// NoCommitsError reports a repository whose HEAD has no commit yet.
type NoCommitsError struct{ Root string }

func (e *NoCommitsError) Error() string {
	return fmt.Sprintf("%s has no commits yet, so there is no base to compare with; commit first, or name files: onward check PATH", e.Root)
}

// RefusedRevisionError reports a revision that is never given to git, because
// git could take it for something else, such as an option.
type RefusedRevisionError struct {
	Rev    string
	Reason string
}

func (e *RefusedRevisionError) Error() string {
	return fmt.Sprintf("revision %q refused: %s", e.Rev, e.Reason)
}

// UnknownRevisionError reports a revision that names no commit here.
type UnknownRevisionError struct {
	Rev    string
	Reason string   // git's own words when they say more than "unknown", else ""
	Near   []string // branches and tags with similar names, best first
	Run    string   // a command that may bring the revision, or ""
}

func (e *UnknownRevisionError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "unknown revision %q", e.Rev)
	if e.Reason != "" {
		fmt.Fprintf(&b, " (%s)", e.Reason)
	}
	if len(e.Near) > 0 {
		fmt.Fprintf(&b, "; there is %s", strings.Join(e.Near, ", "))
	}
	if e.Run != "" {
		fmt.Fprintf(&b, "; to fetch it, run: %s", e.Run)
	}
	return b.String()
}

// NoBaseError reports that no base was named and that none of the usual
// branches exists.
type NoBaseError struct {
	Looked   []string // the branches looked for, in order
	Branches []string // branches that exist, at most a handful
	Run      string   // a command that may bring the default branch, or ""
}

func (e *NoBaseError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "no base to compare with: looked for %s", strings.Join(e.Looked, ", "))
	if len(e.Branches) > 0 {
		fmt.Fprintf(&b, "; name one with --base, there is %s", strings.Join(e.Branches, ", "))
	} else {
		b.WriteString("; name one with --base")
	}
	if e.Run != "" {
		fmt.Fprintf(&b, "; or run: %s (%s)", e.Run, inActions)
	}
	return b.String()
}

// inActions is how a clone gets what is compared.
const inActions = "in GitHub Actions: fetch-depth: 0"

// NoMergeBaseError reports two revisions with no common ancestor in this clone.
type NoMergeBaseError struct {
	Base, Head string // as people name them
	Shallow    bool   // the clone's history is cut off, so the ancestor may exist elsewhere
	Run        string // the command that fetches the rest of the history, or ""
}

func (e *NoMergeBaseError) Error() string {
	if e.Shallow {
		return fmt.Sprintf("the common ancestor of %s and %s is missing: this clone is shallow; run: %s (%s)", e.Base, e.Head, e.Run, inActions)
	}
	return fmt.Sprintf("%s and %s have no common ancestor; name another base with --base", e.Base, e.Head)
}

// MissingObjectsError reports contents that a partial (blobless or treeless)
// clone does not have.
type MissingObjectsError struct {
	Rev   string   // the revision asked for
	Paths []string // the first few files concerned; empty when git did not say
	Count int      // how many files in all; 0 when git did not say
	Run   string   // the command that fetches them
}

func (e *MissingObjectsError) Error() string {
	missing := "contents"
	if len(e.Paths) > 0 {
		missing = e.Paths[0]
		if e.Count > 1 {
			missing = fmt.Sprintf("%s and %d more", missing, e.Count-1)
		}
	}
	return fmt.Sprintf("%s at %s is missing: this is a partial clone; run: %s", missing, e.Rev, e.Run)
}

// IsLost reports whether an error means that git should have the content of a
// file and cannot give it: the clone is partial and lacks it, or damaged.
func IsLost(err error) bool {
	if _, ok := errors.AsType[*MissingObjectsError](err); ok || errors.Is(err, errMissing) {
		return true
	}
	failed, ok := errors.AsType[*GitError](err)
	return ok && failed.Args[0] == "cat-file"
}

// OutsideError reports a symbolic link that leads out of the tree.
type OutsideError struct {
	Path   string // the link
	Target string // its target, if known
}

func (e *OutsideError) Error() string {
	if e.Target == "" {
		return fmt.Sprintf("read %s: the symbolic link leads out of the tree", e.Path)
	}
	return fmt.Sprintf("read %s: the symbolic link leads out of the tree, to %s", e.Path, e.Target)
}

// TooLargeError reports a file above [MaxFileSize].
type TooLargeError struct {
	Path string
	Size int64 // bytes
}

func (e *TooLargeError) Error() string {
	return fmt.Sprintf("read %s: %d bytes is more than the limit of %d", e.Path, e.Size, MaxFileSize)
}
