package audit

import (
	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/address"
	"github.com/onward-sql/onward/internal/gitrange"
	"github.com/onward-sql/onward/internal/live"
)

// The errors of this package, in addition to those in config, for errors.As. Their texts
// say what to do, and contain no password.
type (
	// NotFoundError says that a tree has no migrations, and what was looked for.
	NotFoundError = adapter.NotFoundError
	// ServerError says that a server could not be read ([Deployed.DB]).
	ServerError = live.ServerError
	// AddressError says that an address of a database is invalid.
	AddressError = address.Error

	// NotRepositoryError says that the directory is in no working tree.
	NotRepositoryError = gitrange.NotRepositoryError
	// BareRepositoryError says that the repository has no working tree.
	BareRepositoryError = gitrange.BareRepositoryError
	// OwnershipError says that git refuses to read a repository of another user.
	OwnershipError = gitrange.OwnershipError
	// NoCommitsError says that the repository has no commit.
	NoCommitsError = gitrange.NoCommitsError
	// NoBaseError says that the deployed revision cannot be determined.
	NoBaseError = gitrange.NoBaseError
	// NoMergeBaseError says that base and head have no commit in common.
	NoMergeBaseError = gitrange.NoMergeBaseError
	// UnknownRevisionError says that a revision names no commit.
	UnknownRevisionError = gitrange.UnknownRevisionError
	// RefusedRevisionError says that git could read a revision as something else.
	RefusedRevisionError = gitrange.RefusedRevisionError
	// MissingObjectsError says that the clone is shallow or partial, and how to fetch the
	// rest.
	MissingObjectsError = gitrange.MissingObjectsError
	// GitError says that git failed, with its message.
	GitError = gitrange.GitError
)
