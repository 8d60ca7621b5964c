// Package hasura reads the tables and columns that Hasura's metadata tracks.
package hasura
