package rehearse

import "github.com/onward-sql/onward/internal/pgserver"

// The errors of this package besides [BaseError] and the errors of audit, for
// errors.As.
type (
	// MissingError says that no server of the wanted major version was found, and
	// none could be downloaded.
	MissingError = pgserver.MissingError
	// ServerError says that the throwaway server did not start, or died.
	ServerError = pgserver.ServerError
)
