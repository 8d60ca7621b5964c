// Package elixir reads the schemas of Ecto.
package elixir
