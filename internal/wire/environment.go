package wire

import (
	"slices"
	"strings"
)

// EncryptionVariables are libpq's variables about how a client encrypts, and about a server's address that PGHOST does not
// override. A command that is given a proxy's address must not have its own.
func EncryptionVariables() []string {
	return []string{"PGHOSTADDR", "PGSSLROOTCERT", "PGSSLCERT", "PGSSLKEY", "PGCHANNELBINDING", "PGSSLNEGOTIATION", "PGREQUIRESSL", "PGSSLMODE"}
}

// ReadEnvironment returns the variables of a command's environment by name.
func ReadEnvironment(list []string) map[string]string {
	variables := map[string]string{}
	for _, entry := range list {
		name, value, _ := strings.Cut(entry, "=")
		variables[name] = value
	}
	return variables
}

// FormatEnvironment returns variables as a command's environment.
func FormatEnvironment(variables map[string]string) []string {
	list := make([]string, 0, len(variables))
	for name, value := range variables {
		list = append(list, name+"="+value)
	}
	slices.Sort(list)
	return list
}
