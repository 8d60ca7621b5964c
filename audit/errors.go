package audit

import (
	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/address"
	"github.com/onward-sql/onward/internal/gitrange"
	"github.com/onward-sql/onward/internal/live"
)

// The errors of this package beside those of config, for errors.As. Their texts
// say what to do, and hold no password.
type (
	// NotFoundError says that a tree has no migrations, and what was looked for.
	NotFoundError = adapter.NotFoundError
	// ServerError says that a server could not be read ([Deployed.DB]).
	ServerError = live.ServerError
	// AddressError says that an address of a database is none.
	AddressError = address.Error

	// NotRepositoryError says that the directory is in no working tree.
	NotRepositoryError = gitrange.NotRepositoryError
	// BareRepositoryError says that the repository has no working tree.
	BareRepositoryError = gitrange.BareRepositoryError
	// OwnershipError says that git does not read a repository of another user.
	OwnershipError = gitrange.OwnershipError
	// NoCommitsError says that the repository has no commit.
	NoCommitsError = gitrange.NoCommitsError
	// NoBaseError says that nothing tells which revision is deployed.
	NoBaseError = gitrange.NoBaseError
	// NoMergeBaseError says that base and head have no commit in common.
	NoMergeBaseError = gitrange.NoMergeBaseError
	// UnknownRevisionError says that a revision names no commit.
	UnknownRevisionError = gitrange.UnknownRevisionError
	// RefusedRevisionError says that git could take a revision for something else.
	RefusedRevisionError = gitrange.RefusedRevisionError
	// MissingObjectsError says that the clone is shallow or partial, and how to
	// get the rest.
	MissingObjectsError = gitrange.MissingObjectsError
	// GitError says that git failed, and what it said.
	GitError = gitrange.GitError
)
