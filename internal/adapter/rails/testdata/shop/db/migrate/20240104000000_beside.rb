class Beside < ActiveRecord::Migration[7.1]
  def up
    Legacy.call
  end
end
