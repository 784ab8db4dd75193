"""The GAN that turns a CT's fixed radiance into one whose pictures look like chest X-rays."""
