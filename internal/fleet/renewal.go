package fleet

import (
	"context"

	"github.com/onward-sql/onward/internal/live"
)

// isRejected reports whether the server has refused a user or a password. Somebody may have changed it since the address was read.
func isRejected(err error) bool {
	refused := live.FindRefusal(err)
	return refused != nil && (refused.Code == "28P01" || refused.Code == "28000")
}

// renewAddress reads the address of a database again. It reports whether another one than rejected is known now.
func (d *database) renewAddress(ctx context.Context, rejected string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.address != rejected || d.readAddress == nil {
		return d.address != rejected
	}
	fresh, err := d.readAddress(ctx)
	if err != nil || fresh == rejected {
		return false
	}
	d.address = fresh
	d.session.SetURL(fresh)
	return true
}

// currentAddress returns the address as it was read last.
func (d *database) currentAddress() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.address
}
