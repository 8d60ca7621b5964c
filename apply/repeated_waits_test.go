package apply_test

import (
	"errors"
	"testing"
	"time"

	"github.com/onward-sql/onward/apply"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
)

// An abort that waits for another onward reports that once, and not each second; so does an apply.
func TestWaitReportedOnce(t *testing.T) {
	t.Parallel()
	db := pgservertest.Database(t, onward.NewestMajor)
	run(t, db, base)
	p := planned(t, base, "ALTER TABLE orders ADD COLUMN more text;")
	holder, err := apply.Open(t.Context(), apply.Config{DB: db, Plan: p})
	if err != nil {
		t.Fatal(err)
	}
	defer holder.Close(t.Context())
	for name, wait := range map[string]func(c apply.Config) error{
		"abort": func(c apply.Config) error { _, err := apply.Abort(t.Context(), c, ""); return err },
		"apply": func(c apply.Config) error { c.Plan = p; _, err := apply.Run(t.Context(), c); return err },
	} {
		var events teller
		heldError := new(apply.HeldError)
		if err := wait(apply.Config{DB: db, Within: 2500 * time.Millisecond, Tell: events.tell}); !errors.As(err, &heldError) {
			t.Fatalf("%s while another session holds the lease = %v, want a HeldError", name, err)
		}
		if len(events.list) != 1 || events.list[0].Kind != apply.Held {
			t.Errorf("%s sent the events %+v, want one of kind Held", name, events.list)
		}
	}
}
