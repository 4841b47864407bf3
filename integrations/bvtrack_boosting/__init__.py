"""Callbacks for XGBoost, LightGBM and CatBoost that keep each training's run diagnosed: bias or variance, and what next."""
