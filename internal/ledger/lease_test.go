package ledger_test

import (
	"errors"
	"testing"
	"time"

	"github.com/onward-sql/onward/internal/ledger"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
)

// Setting the server's clock back makes no lease longer, and setting it forward loses nothing. A holder that was replaced
// learns that in its next transaction.
func TestClock(t *testing.T) {
	t.Parallel()
	conn := pgservertest.Connect(t, pgservertest.Database(t, onward.NewestMajor))
	if err := ledger.CreateLedger(t.Context(), conn, ""); err != nil {
		t.Fatal(err)
	}
	first, err := database.TakeLease(t.Context(), conn, "behind a pooler", false, 0)
	if err != nil {
		t.Fatal(err)
	}
	jump := func(interval string) {
		t.Helper()
		if _, err := conn.Exec(t.Context(), "UPDATE onward_ledger.lease SET seen = seen + $1::text::interval", interval); err != nil {
			t.Fatal(err)
		}
	}
	jump("1 year") // the clock goes back, and the recorded times are in the future
	heldErr := new(ledger.HeldError)
	for range 2 {
		if _, err := database.TakeLease(t.Context(), conn, "other", false, 0); !errors.As(err, &heldErr) || heldErr.Left > ledger.Term ||
			heldErr.Left < ledger.Term-10*time.Second {
			t.Fatalf("TakeLease while it is held: %v, want a HeldError with %s left at most", err, ledger.Term)
		}
	}
	jump("-1 year") // it goes forward
	second, err := database.TakeLease(t.Context(), conn, "other", false, 0)
	if err != nil {
		t.Fatal(err)
	}
	lost := new(ledger.LostError)
	if err := first.Fence(t.Context(), conn); !errors.As(err, &lost) {
		t.Errorf("both are at work: %v", err)
	}
	if err := second.Fence(t.Context(), conn); err != nil {
		t.Error(err)
	}
}
