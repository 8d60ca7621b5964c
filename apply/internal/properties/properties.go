// Package properties copies, compares and protects what a target has besides what its migrations say: privileges and settings of replaced objects,
// names of constraints, and subscribers.
package properties

import (
	"github.com/onward-sql/onward/apply/internal/progress"
	"github.com/onward-sql/onward/apply/internal/session"
)

// Properties protects the properties of a run's target.
type Properties struct {
	session *session.Session
	record  *progress.Record
	// Accepted are publications whose subscribers already have what the steps need, or may stop.
	Accepted []string
	// Role is the role that the steps run as (SET ROLE); "" for the session's own.
	Role string
}

// NewProperties returns the properties of a run's target.
func NewProperties(s *session.Session, r *progress.Record, accepted []string, role string) *Properties {
	return &Properties{session: s, record: r, Accepted: accepted, Role: role}
}
