package ledger

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
)

// version is the number of the ledger that this release creates. An older ledger is upgraded by adding what it lacks;
// existing objects keep their meaning. Any other ledger is left alone.
const version = 7

// mark is the beginning of the schema's comment, before the number.
const mark = "onward ledger "

// OtherError says that the database has a ledger that this release does not know.
type OtherError struct{ Version string }

// Error names both versions.
func (e *OtherError) Error() string {
	return fmt.Sprintf("the schema %s of this database says %q, and this release knows up to %q: run the release of onward that made it, or a newer one",
		Schema, e.Version, fmt.Sprint(mark, version))
}

// readVersion returns the version of a database's ledger, 0 for none. The error is an [*OtherError] for one that this
// release does not know.
func readVersion(ctx context.Context, conn Conn) (int, error) {
	var comment string
	err := conn.QueryRow(ctx, `SELECT coalesce(obj_description(oid, 'pg_namespace'), '') FROM pg_namespace WHERE nspname = $1`, Schema).Scan(&comment)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return 0, nil
	case err != nil:
		return 0, err
	}
	text, ok := strings.CutPrefix(comment, mark)
	n, err := strconv.Atoi(text)
	if !ok || err != nil || n < 1 || n > version {
		return 0, &OtherError{Version: comment}
	}
	return n, nil
}

// HasLedger reports whether the database has a ledger, including one of an older release. The error is an [*OtherError] for
// one that this release does not know, or an error of [Check].
func HasLedger(ctx context.Context, conn Conn) (bool, error) {
	n, err := readVersion(ctx, conn)
	if n == 0 || err != nil {
		return false, err
	}
	return true, Check(ctx, conn, "")
}
