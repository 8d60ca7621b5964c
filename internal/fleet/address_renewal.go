package fleet

import (
	"context"
)

// renewAddress reads the address of a database again, after the server rejected a password. It reports whether the address now differs
// from rejected.
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
