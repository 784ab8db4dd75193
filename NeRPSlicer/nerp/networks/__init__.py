"""Networks of the GAN: the Mapper (a CT to residuals of its fixed radiance) and the Discriminator."""
