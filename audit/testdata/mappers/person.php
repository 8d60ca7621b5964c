<?php

namespace App\Models;

use Illuminate\Database\Eloquent\Model;
use Illuminate\Database\Eloquent\Relations\HasMany;

class Person extends Model
{
    public $timestamps = false;

    protected $fillable = [
        'nick',
        'parent_id',
    ];

    public function children(): HasMany
    {
        return $this->hasMany(self::class, 'parent_id');
    }
}
