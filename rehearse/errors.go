package rehearse

import "github.com/onward-sql/onward/internal/pgserver"

// The errors of this package beside [BaseError] and those of audit, for errors.As.
type (
	// MissingError says that no server of the wanted major version was found, nor
	// could be had.
	MissingError = pgserver.MissingError
	// ServerError says that the throwaway server did not start, or died.
	ServerError = pgserver.ServerError
)
